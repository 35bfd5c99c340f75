"""Faults of contract details: unfinished, missing or wrong."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from brokerage.simulator.faults.fault import Fault, Incident
from brokerage.simulator.faults.projects import ASYNC, LEAN, LEAN_IB
from brokerage.simulator.venue_floor import Session
from brokerage.tws.messages import (
    ContractData,
    ContractDetailsEnd,
    ExecDetails,
    OpenOrder,
    PositionData,
    SecDefOptParam,
)
from brokerage.tws.table import Message


@dataclass
class ContractDetailsNeverEnd(Fault):
    """A request for contract details gets no end; with `details` off, no details either."""

    details: bool = True

    incidents: ClassVar = (
        Incident(ASYNC, 27, "reqContractDetails times out or does not return"),
        Incident(LEAN, 3869, "a minute of waiting for details that had failed"),
    )
    signal: ClassVar = "No end within a limit: what has come so far is not the whole answer."

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Drops the end."""
        if isinstance(message, ContractDetailsEnd):
            return ()
        return () if isinstance(message, ContractData) and not self.details else (message,)


@dataclass
class WrongMultiplier(Fault):
    """Contracts that have a multiplier are reported with another one, everywhere."""

    multiplier: str = "10"

    incidents: ClassVar = (
        Incident(LEAN, 6743, "100 where the contract says 1000"),
        Incident(LEAN, 2924, "one symbol, two contracts: 5000 and 1000"),
        Incident("pst-group/pysystemtrade", 566, "multipliers wrong by the price magnifier"),
        Incident(LEAN_IB, 116, "prices in cents where dollars were expected"),
    )
    signal: ClassVar = "A multiplier that differs from the expected one, or from the chain's."

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Puts the other one in."""
        if isinstance(message, SecDefOptParam) and message.multiplier:
            return (replace(message, multiplier=self.multiplier),)
        named = isinstance(message, (ContractData, ExecDetails, OpenOrder, PositionData))
        if named and message.contract.multiplier:
            contract = replace(message.contract, multiplier=self.multiplier)
            return (replace(message, contract=contract),)
        return (message,)
