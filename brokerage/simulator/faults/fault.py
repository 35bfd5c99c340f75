"""What every fault is: a few parameters, hooks into the gateway, and the incident it repeats."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from brokerage.simulator.venue_floor import Session
from brokerage.tws.messages import Error
from brokerage.tws.table import Message

if TYPE_CHECKING:
    from brokerage.simulator.server import Gateway, Peer

HUMP = re.compile(r"(?<!^)(?=[A-Z])|(?<=[a-z])(?=[0-9])")


class FaultError(ValueError):
    """A fault that does not exist or cannot be set so; the text says what to do."""


@dataclass(frozen=True)
class Incident:
    """Where somebody suffered it: an issue or pull request of a public project."""

    project: str  # owner/name at GitHub
    number: int
    note: str = ""

    @property
    def url(self) -> str:
        """The page."""
        return f"https://github.com/{self.project}/issues/{self.number}"


class Fault:
    """One fault; subclasses are dataclasses whose parameters all have defaults.

    Their docstring says what really happened. Seconds are simulated. Chance comes from
    `random.Random(seed)` with a parameter `seed` alone. Hooks may drop, change, hold back or
    multiply what passes; `deliver` and `receive` carry a held message on, past this fault.
    """

    incidents: ClassVar[tuple[Incident, ...]] = ()
    signal: ClassVar[str] = ""  # how a good client notices
    signed: ClassVar[frozenset[str]] = frozenset()  # the parameters that may be below zero
    name: ClassVar[str] = ""  # the class's name in snake_case

    gateway: "Gateway"  # set before `on`
    place: int  # in the order of switching on, which is the order of the hooks

    def __init_subclass__(cls) -> None:
        cls.name = HUMP.sub("_", cls.__name__).lower()

    def on(self, gateway: "Gateway") -> None:
        """Switched on."""

    def off(self, gateway: "Gateway") -> None:
        """Switched off: leave the gateway sound; what was held back may still arrive."""

    def admits(self, peer: "Peer") -> bool:
        """Whether a new connection is let in; it is reset otherwise."""
        return True

    def starts(self, session: Session) -> bool:
        """Whether a client that has named itself is let in; whoever says no has told it why."""
        return True

    def leaves(self, session: Session) -> None:
        """A client has gone."""

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """What the venue gets for a client's message."""
        return (message,)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """What the client gets for a message of the venue."""
        return (message,)

    def bytes_in(self, peer: "Peer", data: bytes) -> bytes:
        """What the gateway reads for bytes that have arrived."""
        return data

    def bytes_out(self, peer: "Peer", data: bytes) -> Iterable[bytes]:
        """What is written, piece by piece, for bytes due to a client."""
        return (data,)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something so many simulated seconds from now."""
        self.gateway.later(seconds, action)

    def deliver(self, session: Session, message: Message) -> None:
        """Send the client a message, past this fault and those before it."""
        self.gateway.faults.deliver_past(self, session, message)

    def put_off(self, seconds: float, session: Session, message: Message) -> Iterable[Message]:
        """Send the client a message so many seconds later; nothing now, for a hook to return."""
        self.later(seconds, lambda: self.deliver(session, message))
        return ()

    def receive(self, session: Session, message: Message) -> None:
        """Hand the venue a client's message, past this fault and those before it."""
        self.gateway.faults.receive_past(self, session, message)

    def tell(self, code: int, text: str) -> None:
        """Send every client a notice of the system, past this fault."""
        for session in self.gateway.sessions():
            self.deliver(session, Error(-1, code, text))

    def done(self) -> None:
        """End this fault, if it is still on."""
        if self in self.gateway.faults:
            self.gateway.faults.off(self)
