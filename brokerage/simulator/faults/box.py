"""The faults of one gateway that are on, and how messages and bytes pass through them."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from brokerage.simulator.faults.catalogue import build, known, settings
from brokerage.simulator.faults.fault import Fault, FaultError
from brokerage.simulator.venue_floor import Session
from brokerage.tws.table import Message

if TYPE_CHECKING:
    from brokerage.simulator.server import Gateway, Peer


@dataclass(frozen=True)
class Switch:
    """A fault or lever as it was set, for the transcript."""

    name: str
    on: bool
    settings: dict[str, Any] = field(default_factory=dict)


class FaultBox:
    """Switches faults on and off; each switch is a frame of the transcript."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._active: dict[str, Fault] = {}
        self._places = itertools.count(1)

    def on(self, fault: Fault | str, **params: Any) -> Fault:
        """Switch a fault on, in place of one of the same name; raises FaultError."""
        fault = build(fault, params) if isinstance(fault, str) else fault
        if fault.name in self._active:
            self.off(self._active[fault.name])
        fault.gateway, fault.place = self._gateway, next(self._places)
        self._active[fault.name] = fault
        self._gateway.note(Switch(fault.name, True, settings(fault)))
        try:
            fault.on(self._gateway)
        except FaultError:
            self.off(fault)
            raise
        self._gateway.flush()
        return fault

    def off(self, fault: Fault | str) -> bool:
        """Switch a fault off; False if it was not on. Raises FaultError for an unknown name."""
        if isinstance(fault, str) and fault not in self._active:
            known(fault)  # refuses a name that there is not
            return False
        name = fault if isinstance(fault, str) else fault.name
        active = self._active.get(name)
        if active is None or (isinstance(fault, Fault) and fault is not active):
            return False
        del self._active[name]
        self._gateway.note(Switch(name, False))
        active.off(self._gateway)
        self._gateway.flush()
        return True

    def clear(self) -> list[str]:
        """Switch everything off; the names, in the order they were switched on."""
        names = list(self._active)
        for name in names:
            self.off(name)
        return names

    def active(self) -> tuple[Fault, ...]:
        """What is on, in the order it was switched on."""
        return tuple(self._active.values())

    @contextmanager
    def using(self, fault: Fault | str, **params: Any) -> Iterator[Fault]:
        """A fault that is on for the length of a block."""
        fault = self.on(fault, **params)
        try:
            yield fault
        finally:
            self.off(fault)

    def __contains__(self, fault: object) -> bool:
        return any(active is fault or active.name == fault for active in self._active.values())

    def __len__(self) -> int:
        return len(self._active)

    def admits(self, peer: "Peer") -> bool:
        """Whether every fault lets a new connection in."""
        return all(fault.admits(peer) for fault in self.active())

    def starts(self, session: Session) -> bool:
        """Whether every fault lets a client in that has named itself."""
        return all(fault.starts(session) for fault in self.active())

    def leaves(self, session: Session) -> None:
        """Tell the faults that a client has gone."""
        for fault in self.active():
            fault.leaves(session)

    def incoming(self, session: Session, message: Message, past: int = 0) -> list[Message]:
        """What the venue gets for a client's message, behind a place in the order."""
        messages = [message]
        if not self._active:
            return messages
        for fault in self._behind(past):
            messages = [new for old in messages for new in fault.incoming(session, old)]
        return messages

    def outgoing(self, session: Session, message: Message, past: int = 0) -> list[Message]:
        """What the client gets for a message of the venue, behind a place in the order."""
        messages = [message]
        for fault in self._behind(past):
            messages = [new for old in messages for new in fault.outgoing(session, old)]
        return messages

    def bytes_in(self, peer: "Peer", data: bytes) -> bytes:
        """What the gateway reads."""
        for fault in self.active():
            data = fault.bytes_in(peer, data)
        return data

    def bytes_out(self, peer: "Peer", data: bytes) -> list[bytes]:
        """What is written, piece by piece."""
        pieces = [data]
        for fault in self.active():
            pieces = [new for old in pieces for new in fault.bytes_out(peer, old)]
        return pieces

    def deliver_past(self, fault: Fault, session: Session, message: Message) -> None:
        """Send a client a message through the faults behind one."""
        peer = self._gateway.peer(session)
        if peer is not None:
            for one in self.outgoing(session, message, fault.place):
                peer.queue(one)

    def receive_past(self, fault: Fault, session: Session, message: Message) -> None:
        """Hand the venue a message through the faults behind one."""
        if self._gateway.peer(session) is not None:
            for one in self.incoming(session, message, fault.place):
                self._gateway.venue.receive(session, one)

    def _behind(self, place: int) -> Iterator[Fault]:
        return (fault for fault in self.active() if fault.place > place)
