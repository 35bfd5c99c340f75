"""What a gateway sends about accounts: values, positions, profit and loss."""

from dataclasses import dataclass, field

from brokerage.tws.fields import Quantity, Size
from brokerage.tws.layout import scope
from brokerage.tws.messages_common import C11, P11, Contract
from brokerage.tws.messages_server import SERVER


@SERVER.row(6, "2 key value currency account")
@dataclass(frozen=True)
class AccountValue:
    """One value of the subscribed account."""

    key: str = ""
    value: str = ""
    currency: str = ""
    account: str = ""


@SERVER.row(
    7,
    "8",
    *scope("contract", P11),
    "position market_price market_value average_cost unrealized realized account",
)
@dataclass(frozen=True)
class PortfolioValue:
    """One position of the subscribed account."""

    contract: Contract = field(default_factory=Contract)
    position: Quantity = 0.0
    market_price: float = 0.0
    market_value: float = 0.0
    average_cost: float = 0.0
    unrealized: float = 0.0
    realized: float = 0.0
    account: str = ""


@SERVER.row(8, "1 text")
@dataclass(frozen=True)
class AccountUpdateTime:
    """When the values were computed, `HH:MM`."""

    text: str = ""


@SERVER.row(54, "1 account")
@dataclass(frozen=True)
class AccountDownloadEnd:
    """The account's values are complete."""

    account: str = ""


@SERVER.row(61, "3 account", *scope("contract", C11), "position average_cost")
@dataclass(frozen=True)
class PositionData:
    """One position; zero when it has gone."""

    account: str = ""
    contract: Contract = field(default_factory=Contract)
    position: Quantity = 0.0
    average_cost: float = 0.0


@SERVER.row(62, "1")
@dataclass(frozen=True)
class PositionEnd:
    """No more positions for now."""


@SERVER.row(63, "1 req_id account tag value currency")
@dataclass(frozen=True)
class AccountSummary:
    """One value of the summary."""

    req_id: int = 0
    account: str = ""
    tag: str = ""
    value: str = ""
    currency: str = ""


@SERVER.row(64, "1 req_id")
@dataclass(frozen=True)
class AccountSummaryEnd:
    """The summary is complete."""

    req_id: int = 0


@SERVER.row(73, "1 req_id account model key value currency")
@dataclass(frozen=True)
class AccountUpdateMulti:
    """One value of an account under a request id."""

    req_id: int = 0
    account: str = ""
    model: str = ""
    key: str = ""
    value: str = ""
    currency: str = ""


@SERVER.row(74, "1 req_id")
@dataclass(frozen=True)
class AccountUpdateMultiEnd:
    """They are complete."""

    req_id: int = 0


@SERVER.row(94, "req_id daily unrealized realized")
@dataclass(frozen=True)
class Pnl:
    """Profit and loss of the account, in dollars."""

    req_id: int = 0
    daily: float = 0.0
    unrealized: float = 0.0
    realized: float = 0.0


@SERVER.row(95, "req_id position daily unrealized realized value")
@dataclass(frozen=True)
class PnlSingle:
    """Profit and loss of one position, in dollars."""

    req_id: int = 0
    position: Size = 0.0
    daily: float = 0.0
    unrealized: float = 0.0
    realized: float = 0.0
    value: float = 0.0
