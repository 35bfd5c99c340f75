"""Tell each message on the wire, for logs that keep everything."""

from collections.abc import Callable
from typing import Any

from brokerage.withholding import withheld

LONGEST = 500
Tell = Callable[[bool, str], None]


def trace(client: Any, tell: Tell) -> None:
    """Tell from now on each message that the library's client sends (True) or receives (False).

    Fields are joined by commas, account ids withheld; what goes on after 500 characters is cut.
    """
    send, interpret = client.sendMsg, client.decoder.interpret

    def sending(message: str | None) -> None:
        # The library calls without a message to send what waits.
        if message:
            tell(True, _told(message.removesuffix("\0").split("\0")))
        send(message)

    def receiving(fields: list[str]) -> Any:
        tell(False, _told(fields))
        return interpret(fields)

    client.sendMsg = sending
    client.decoder.interpret = receiving


def _told(fields: list[str]) -> str:
    return withheld(",".join(fields))[:LONGEST]
