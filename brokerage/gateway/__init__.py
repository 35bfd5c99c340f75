"""The port: the one way to a broker, real or simulated."""

from brokerage.broker import Stream
from brokerage.broker.market import MOST_LINES
from brokerage.clock import SessionClock
from brokerage.gateway.cleaning import CleanupReport, cleanup, marketable
from brokerage.gateway.connecting import PROBE_IDS, SCENARIO_IDS, WATCH_IDS, connect
from brokerage.gateway.desk import Desk
from brokerage.gateway.observing import Observer, reconcile_observed
from brokerage.gateway.probing import probe
from brokerage.gateway.reconciling import Reconciled, reconcile
from brokerage.gateway.relaying import Relayed, relayed
from brokerage.gateway.simulated import Simulated, simulation
from brokerage.gateway.switching import FaultRefused, Switches, switches
from brokerage.gateway.tickets import Event, Ticket
from brokerage.listening import Listener, Remark
from brokerage.observing import Look, News
from brokerage.safety import Door
from brokerage.terms import (
    PAPER,
    SIMULATED,
    TERMINAL,
    Bar,
    BrokerMessage,
    Chain,
    Contract,
    ContractSpec,
    Fill,
    Intent,
    OrderState,
    PaperProof,
    Position,
    Quote,
    RateReport,
    Side,
    Summary,
    Target,
    Tick,
    WhatIf,
    WorkingOrder,
)

__all__ = [
    "MOST_LINES",
    "PAPER",
    "PROBE_IDS",
    "SCENARIO_IDS",
    "SIMULATED",
    "TERMINAL",
    "WATCH_IDS",
    "Bar",
    "BrokerMessage",
    "Chain",
    "CleanupReport",
    "Contract",
    "ContractSpec",
    "Desk",
    "Door",
    "Event",
    "FaultRefused",
    "Fill",
    "Intent",
    "Listener",
    "Look",
    "News",
    "Observer",
    "OrderState",
    "PaperProof",
    "Position",
    "Quote",
    "RateReport",
    "Reconciled",
    "Relayed",
    "Remark",
    "SessionClock",
    "Side",
    "Simulated",
    "Stream",
    "Summary",
    "Switches",
    "Target",
    "Tick",
    "Ticket",
    "WhatIf",
    "WorkingOrder",
    "cleanup",
    "connect",
    "marketable",
    "probe",
    "reconcile",
    "reconcile_observed",
    "relayed",
    "simulation",
    "switches",
]
