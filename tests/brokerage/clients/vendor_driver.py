"""Drives the vendor's client on behalf of a test: commands in on stdin, events out on stdout.

A script of its own because every vendor's client installs a package named `ibapi`: it runs as a
subprocess with PYTHONPATH at the one to drive. A command is `{"app": 1, "call": "reqIds", "args":
[1]}`; an object among the arguments is written `{"Order": {"action": "BUY"}}`. An event is
`{"app": 1, "name": "nextValidId", "args": [1]}`; whatever the client logs comes as `log`.
"""

import inspect
import json
import logging
import sys
import threading
import traceback
from decimal import Decimal

from ibapi.client import EClient
from ibapi.contract import ComboLeg, Contract, DeltaNeutralContract
from ibapi.decoder import Decoder
from ibapi.execution import ExecutionFilter
from ibapi.order import Order, OrderComboLeg
from ibapi.order_condition import (
    ExecutionCondition,
    MarginCondition,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from ibapi.softdollartier import SoftDollarTier
from ibapi.tag_value import TagValue
from ibapi.wrapper import EWrapper

try:
    from ibapi.order_cancel import OrderCancel
except ImportError:
    OrderCancel = None

CLASSES = {
    cls.__name__: cls
    for cls in (
        ComboLeg, Contract, DeltaNeutralContract, ExecutionCondition, ExecutionFilter,
        MarginCondition, Order, OrderComboLeg, PercentChangeCondition, PriceCondition,
        SoftDollarTier, TagValue, TimeCondition, VolumeCondition,
    )
}  # fmt: skip
LOCK = threading.Lock()
SPLIT_IDS = "msgId" in inspect.signature(Decoder.interpret).parameters  # since 10.4x


def emit(app, name, *args):
    line = json.dumps({"app": app, "name": name, "args": [plain(arg) for arg in args]})
    with LOCK:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def plain(value):
    """A value as JSON knows it."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    attributes = getattr(value, "__dict__", None)
    return str(value) if attributes is None else plain(attributes)


def built(value):
    """An argument of a command as the client wants it."""
    if isinstance(value, list):
        return [built(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((name, attributes),) = value.items()
    made = CLASSES[name]()
    for key, item in attributes.items():
        setattr(made, key, built(item))
    return made


class Log(logging.Handler):
    """Passes on what the client complains of."""

    def emit(self, record):
        if (
            record.exc_info
            and record.exc_info[0] is AttributeError
            and record.name == "ibapi.reader"
        ):
            return  # its reader looks at the socket that its own disconnect() has just taken away
        if record.levelno >= logging.WARNING or record.getMessage() == "BadMessage":
            text = record.getMessage()
            if record.exc_info:
                text += "\n" + "".join(traceback.format_exception(*record.exc_info))
            emit(0, "log", text)


class App(EWrapper, EClient):
    """One client; every callback becomes an event."""

    def __init__(self, number):
        EClient.__init__(self, wrapper=self)
        self.number = number
        self.leaving = False  # from then on, its own disconnect() may trip its own threads up

    def listen(self):
        try:
            self.run()
        except Exception:  # noqa: BLE001 - a test wants to know of everything
            if not self.leaving:
                emit(self.number, "log", traceback.format_exc())
        emit(self.number, "ended")


def callback(name):
    parameters = list(inspect.signature(getattr(EWrapper, name)).parameters)[1:]
    skipped = parameters.index("errorTime") if "errorTime" in parameters else None

    def told(self, *args):
        kept = [arg for index, arg in enumerate(args) if index != skipped]
        emit(self.number, name, *kept)

    return told


for name in vars(EWrapper):
    if not name.startswith(("_", "log")) and not name.endswith("ProtoBuf"):
        setattr(App, name, callback(name))
App.commissionAndFeesReport = (
    callback("commissionReport")
    if hasattr(EWrapper, "commissionReport")
    else lambda self, report: emit(self.number, "commissionReport", report)
)


APPS = {}


def connect(number, host, port, client_id):
    app = APPS[number] = App(number)
    app.connect(host, port, client_id)
    emit(number, "connected", app.serverVersion(), app.twsConnectionTime())
    threading.Thread(target=app.listen, daemon=True).start()


def disconnect(number):
    app = APPS.pop(number)
    app.leaving = True
    app.disconnect()
    emit(number, "gone")


def cancellation(method):
    """What this client wants besides the order id to cancel."""
    parameters = inspect.signature(method).parameters
    if "orderCancel" in parameters:
        return [OrderCancel()]
    return [""] if "manualCancelOrderTime" in parameters else []


def call(number, name, args):
    method = getattr(APPS[number], name)
    more = cancellation(method) if name in {"cancelOrder", "reqGlobalCancel"} else []
    method(*[built(arg) for arg in args], *more)


def decode(number, version, messages):
    """Let the client's decoder read each message; tell how many fields it left unread."""
    for message in messages:
        decoder = Decoder(App(number), version)
        cursor = Cursor([text.encode() for text in message[SPLIT_IDS:]])
        try:
            info = decoder.msgId2handleInfo[int(message[0])]
            if info.wrapperMeth is not None:
                decoder.interpretWithSignature(list(cursor), info)
            else:
                info.processMeth(decoder, cursor)
        except Exception:  # noqa: BLE001 - a test wants to know of everything
            emit(number, "log", f"{message}\n{traceback.format_exc()}")
        emit(number, "decoded", sum(1 for _ in cursor))


class Cursor:
    """The fields of a message, each once."""

    def __init__(self, fields):
        self.fields = iter(fields)

    def __iter__(self):
        return self.fields

    def __next__(self):
        return next(self.fields)


class Wire:
    """A connection that keeps what it is given."""

    def __init__(self):
        self.sent = b""

    def isConnected(self):  # noqa: N802
        return True

    def sendMsg(self, data):  # noqa: N802
        self.sent += data

    def disconnect(self):
        pass


def encode(number, version, name, args):
    """Let the client write a message for a server of this version."""
    app = APPS[number] = App(number)
    app.conn, app.serverVersion_ = Wire(), version
    app.setConnState(EClient.CONNECTED)
    call(number, name, args)
    emit(number, "encoded", [text.decode() for text in app.conn.sent[4:].split(b"\0")[:-1]])


TOOLS = {"connect": connect, "disconnect": disconnect, "decode": decode, "encode": encode}


def main():
    logging.getLogger().addHandler(Log())
    logging.getLogger("ibapi.client").setLevel(logging.INFO)
    for line in sys.stdin:
        command = json.loads(line)
        number, name, args = command["app"], command["call"], command["args"]
        try:
            if name in TOOLS:
                TOOLS[name](number, *args)
            else:
                call(number, name, args)
        except Exception:  # noqa: BLE001 - a test wants to know of everything
            emit(number, "log", traceback.format_exc())


main()
