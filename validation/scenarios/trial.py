"""What a scenario receives: the desk, the clock, the configuration, and a place to write."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, Protocol

from brokerage import gateway
from brokerage.clock import SessionClock
from brokerage.gateway import Desk, Switches
from brokerage.listening import Listener, Remark
from brokerage.safety import Door
from brokerage.terms import SIMULATED, BrokerMessage, Contract, Target
from validation.configuration import Config
from validation.models import SampleKind
from validation.scenarios.faults import TrialFaults
from validation.scenarios.strikes import choose

LONGEST_NAME, LONGEST_REASON = 200, 300
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
AlertFunction = Callable[[str, str, str], Awaitable[None]]


@dataclass(frozen=True)
class CheckRow:
    """One comparison; expected and actual as text."""

    position: int
    name: str
    expected: str
    actual: str
    passed: bool
    required: bool
    at: datetime


@dataclass(frozen=True)
class MetricRow:
    """One measured figure."""

    name: str
    value: float
    unit: str
    at: datetime


@dataclass(frozen=True)
class NoteRow:
    """One log line; `planned` says that the scenario provoked it."""

    level: str
    source: str
    text: str
    code: int | None
    planned: bool
    at: datetime
    request_id: int | None = None
    event: str = ""
    client_id: int | None = None


@dataclass(frozen=True)
class WindowRow:
    """A span in which the scenario provoked a fault."""

    starts_at: datetime
    ends_at: datetime
    why: str


@dataclass(frozen=True)
class SampleRow:
    """One raw duration in real milliseconds that began at `at`; a censored one never ended."""

    kind: str
    ms: float
    censored: bool
    planned: bool
    at: datetime


Row = CheckRow | MetricRow | NoteRow | WindowRow | SampleRow


class Sink(Protocol):
    """Takes each row as it comes; must return at once."""

    def __call__(self, row: Row) -> None:
        """Take one row."""


class SkipScenario(Exception):  # noqa: N818 - an outcome, not an error
    """The scenario can't say anything here; its text is the reason."""


async def _no_alert(title: str, text: str, severity: str) -> None:
    """Raise no alert: tests and trials outside of a session."""


@dataclass
class Trial:
    """One attempt at a scenario, as the scenario sees it.

    `clock` runs at the gateway's speed, `ref` is the orderRef of its orders (session/scenario),
    `door` is the only way out for orders, `faults` the only way to a simulated gateway's faults,
    `shared` lives as long as the session, `losses` tells each connection that was lost unasked.
    `connection` is None for a scenario that opens its own connections. A `verbose` trial keeps
    DEBUG lines and every message on its wires. Times that are stored are real UTC.
    """

    target: Target
    config: Config
    ref: str
    clock: SessionClock
    connection: Desk | None = None
    order_door: Door | None = None
    fault_switches: Switches | None = None
    sink: Sink | None = None
    raise_alert: AlertFunction = _no_alert
    shared: dict[str, Any] = field(default_factory=dict)
    documented_positions: str = ""
    checks: list[CheckRow] = field(default_factory=list)
    windows: list[WindowRow] = field(default_factory=list)
    metrics: list[MetricRow] = field(default_factory=list)
    samples: list[SampleRow] = field(default_factory=list)
    notes: list[NoteRow] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    planned: str = ""
    critical: bool = False
    verbose: bool = False
    _faults: TrialFaults | None = field(default=None, init=False, repr=False)

    @property
    def desk(self) -> Desk:
        """The connected desk, read-write where the scenario needs orders."""
        if self.connection is None:
            raise RuntimeError("this scenario declared that it opens its own connections")
        return self.connection

    @property
    def door(self) -> Door:
        """The only way out for orders; only scenarios that need orders have one."""
        if self.order_door is None:
            raise RuntimeError("this scenario did not declare that it needs orders")
        return self.order_door

    @property
    def faults(self) -> TrialFaults:
        """The gateway's faults; only scenarios that need them have them, on a simulated gateway."""
        if self.fault_switches is None or self.target.kind != SIMULATED:
            raise RuntimeError(
                "this scenario did not declare that it needs faults, or its gateway is not a "
                "simulated one with a control port: faults are never switched anywhere else"
            )
        if self._faults is None:
            self._faults = TrialFaults(self, self.fault_switches)
        return self._faults

    async def end_faults(self) -> None:
        """Switch off what the scenario left on."""
        if self._faults is not None:
            await self._faults.end()

    def check(
        self,
        name: str,
        expected: object,
        actual: object,
        passed: bool | None = None,
        required: bool = True,
        *,
        critical: bool = False,
    ) -> bool:
        """Store a comparison and return whether it holds; without `passed`, if both are equal.

        One that is not required only warns; one that is `critical` stops the session if it fails,
        whatever the severity of its scenario.
        """
        holds = bool(expected == actual) if passed is None else bool(passed)
        row = CheckRow(
            len(self.checks) + 1, clean(name)[:LONGEST_NAME], _text(expected), _text(actual),
            holds, required, datetime.now(UTC),
        )  # fmt: skip
        self.checks.append(row)
        self.critical |= critical and not holds
        self._send(row)
        return holds

    def measure(self, name: str, value: float, unit: str = "") -> None:
        """Store a figure; one that is not finite is noted as a warning instead."""
        if not isfinite(value):
            self.note(f"{name} could not be measured ({value})", "WARNING")
            return
        row = MetricRow(name, float(value), unit, datetime.now(UTC))
        self.metrics.append(row)
        self._send(row)

    def sample(self, kind: str, ms: float, *, censored: bool = False) -> None:
        """Keep a raw duration, counted from the intended sending by `clock.wall_ms()`.

        `kind` is one of `models.SampleKind`, or ValueError is raised; `ms` are real milliseconds,
        for one without an answer (censored) its time-out. What happens to own orders is kept
        already, with the orders.
        """
        SampleKind(kind)
        began = datetime.now(UTC) - timedelta(milliseconds=ms)
        row = SampleRow(kind, float(ms), censored, bool(self.planned), began)
        self.samples.append(row)
        self._send(row)

    def note(
        self,
        text: str,
        level: str = "INFO",
        *,
        source: str = "scenario",
        code: int | None = None,
        request_id: int | None = None,
        event: str = "",
        client_id: int | None = None,
    ) -> None:
        """Store a log line; `code` and `request_id` are those of a broker's message.

        `event` is the kind of the event ("<source>.note" without), `client_id` that of the
        connection which it is about. DEBUG lines are kept in a verbose trial alone. Raises
        ValueError for a level that is not one of LEVELS.
        """
        if level not in LEVELS:
            raise ValueError(f"{level!r} is no level of a log line: {', '.join(LEVELS)}")
        if level == "DEBUG" and not self.verbose:
            return
        event = event or f"{source}.note"
        now, planned = datetime.now(UTC), bool(self.planned)
        row = NoteRow(level, source, clean(text), code, planned, now, request_id, event, client_id)
        self.notes.append(row)
        self._send(row)

    def remarks(self, kind: Remark) -> list[str]:
        """What our own side has remarked so far, on every connection of this trial."""
        begin = f"{kind}: "
        return [
            row.text.removeprefix(begin)
            for row in self.notes
            if row.source == "gateway" and row.text.startswith(begin)
        ]

    def skip(self, reason: str) -> None:
        """End the scenario as skipped: a skip is never a pass."""
        raise SkipScenario(reason)

    async def alert(self, title: str, text: str, severity: str = "WARNING") -> None:
        """Tell people; severity is INFO, WARNING or CRITICAL."""
        self.alerts.append(title)
        self.note(f"{title}: {text}", "WARNING", source="alert", event="alert.raised")
        await self.raise_alert(title, text, severity)

    @contextmanager
    def planned_fault(self, why: str) -> Iterator[None]:
        """Mark everything inside as provoked on purpose."""
        before, self.planned = self.planned, why
        since = datetime.now(UTC)
        self.note(f"Planned fault begins: {why}", event="fault.begins")
        try:
            yield
        finally:
            self.note(f"Planned fault ends: {why}", event="fault.ends")
            self.planned = before
            self.window(since, why)

    def window(self, since: datetime, why: str) -> None:
        """Store that everything from `since` (aware) until now was provoked."""
        row = WindowRow(since, datetime.now(UTC), clean(why)[:LONGEST_REASON])
        self.windows.append(row)
        self._send(row)

    def connect(
        self, *, purpose: str, readonly: bool = True, **options: Any
    ) -> AbstractAsyncContextManager[Desk]:
        """Return a connection under a client id of its own; options as `gateway.connect`."""
        return self._connect(purpose, readonly, options)

    @asynccontextmanager
    async def _connect(
        self, purpose: str, readonly: bool, options: dict[str, Any]
    ) -> AsyncIterator[Desk]:
        options.setdefault("listener", TrialListener(self))
        options.setdefault("clock", SessionClock(self.target.speed))
        self.note(f"Connecting for {purpose}", source="gateway", event="gateway.connecting")
        async with gateway.connect(self.target, readonly=readonly, **options) as desk:
            yield desk

    async def test_contract(self) -> Contract:
        """Return the weekly call that this session trades, chosen once by the strike rule."""
        if "test_contract" not in self.shared:
            contract = await choose(self.desk, self.config.test_contracts)
            self.note(f"Test contract: {contract.label}")
            self.shared["test_contract"] = contract
        contract_chosen: Contract = self.shared["test_contract"]
        return contract_chosen

    def _send(self, row: Row) -> None:
        if self.sink is not None:
            self.sink(row)


class TrialListener(Listener):
    """Writes what happens on a connection into the trial's log."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.traced = trial, trial.verbose
        self.client_id: int | None = None

    def holds(self, client_id: int) -> None:
        """From here on the lines name the connection's client id."""
        self.client_id = client_id

    def attempt(self, number: int, error: Exception | None, gap: float) -> None:
        """One line for each attempt to connect."""
        if error is None:
            self._gateway(f"Connected at attempt {number}", "INFO", "connected")
        else:
            self._gateway(f"Attempt {number}: {error}", "WARNING", "not_connected")

    def message(self, message: BrokerMessage) -> None:
        """One line for each message of the broker."""
        level = "INFO" if message.cls == "INFORMATIONAL" else "WARNING"
        self.trial.note(
            message.text, level, source="broker", code=message.code, request_id=message.req_id,
            event="broker.message", client_id=self.client_id,
        )  # fmt: skip

    def lost(self, why: str) -> None:
        """One line for each lost connection."""
        self.trial.losses.append(why)
        level = "WARNING" if self.trial.planned else "ERROR"
        self._gateway(f"Disconnected: {why}", level, "disconnected")

    def order(self, order_pk: int, kind: str, detail: dict[str, object]) -> None:
        """One line for each event of an own order."""
        words = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in detail.items())
        what = f"Order {order_pk} {kind.replace('_', ' ').lower()}"
        self.trial.note(
            f"{what}{': ' if words else ''}{words}", source="order",
            event=f"order.{kind.lower()}", client_id=self.client_id,
        )  # fmt: skip

    def remark(self, kind: Remark, text: str) -> None:
        """One line for what our own side did or saw."""
        self._gateway(f"{kind}: {text}", "WARNING", kind.name.lower())

    def wire(self, sent: bool, text: str) -> None:
        """One line for each message on the wire."""
        event = "wire.sent" if sent else "wire.received"
        self.trial.note(text, "DEBUG", source="wire", event=event, client_id=self.client_id)

    def _gateway(self, text: str, level: str, event: str) -> None:
        self.trial.note(
            text, level, source="gateway", event=f"gateway.{event}", client_id=self.client_id
        )


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    return clean(str(value))[:2000]


def clean(text: str) -> str:
    """Return text that every database can keep: no NUL, no lone surrogate."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "�")
