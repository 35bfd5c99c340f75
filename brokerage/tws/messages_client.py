"""What a client may send: one dataclass and one row of the table for each message."""

from dataclasses import dataclass, field

from brokerage.tws.layout import scope, when
from brokerage.tws.messages_common import C12, Contract, DeltaNeutral, QuoteLeg
from brokerage.tws.table import Table

CLIENT = Table("client")


@dataclass(frozen=True)
class ContractRequest:
    """A request about one contract; the base of several."""

    req_id: int = 0
    contract: Contract = field(default_factory=Contract)


CONTRACT = scope("contract", C12)


@CLIENT.row(71, "2 client_id capabilities")
@dataclass(frozen=True)
class StartApi:
    """The first message after the handshake."""

    client_id: int = 0
    capabilities: str = ""


def is_bag(sec_type: str) -> bool:
    return sec_type == "BAG"


LEGS = when("contract.sec_type", "legs*", test=is_bag)
HEDGE = when("hedged", *scope("delta_neutral", "con_id delta price"))


@CLIENT.row(
    1, "11 req_id", *CONTRACT, LEGS, "hedged", HEDGE, "generic_ticks snapshot regulatory options"
)
@dataclass(frozen=True)
class ReqMktData(ContractRequest):
    """Quotes, once (snapshot) or from now on."""

    legs: tuple[QuoteLeg, ...] = ()
    hedged: bool = False
    delta_neutral: DeltaNeutral = field(default_factory=DeltaNeutral)
    generic_ticks: str = ""
    snapshot: bool = False
    regulatory: bool = False
    options: str = ""


@dataclass(frozen=True)
class Cancellation:
    """Ends a request; the base of several."""

    req_id: int = 0


@CLIENT.row(2, "2 req_id")
@dataclass(frozen=True)
class CancelMktData(Cancellation):
    """No more quotes."""


@CLIENT.row(4, "1 order_id manual_time>=169")
@dataclass(frozen=True)
class CancelOrder:
    """Take an order back."""

    order_id: int = 0
    manual_time: str = ""


@CLIENT.row(5, "1")
@dataclass(frozen=True)
class ReqOpenOrders:
    """This client's open orders."""


@CLIENT.row(6, "2 subscribe account")
@dataclass(frozen=True)
class ReqAccountUpdates:
    """Values and portfolio of one account, from now on."""

    subscribe: bool = True
    account: str = ""


@CLIENT.row(7, "3 req_id client_id account time symbol sec_type exchange side")
@dataclass(frozen=True)
class ReqExecutions:
    """Today's executions that pass a filter."""

    req_id: int = 0
    client_id: int = 0
    account: str = ""
    time: str = ""
    symbol: str = ""
    sec_type: str = ""
    exchange: str = ""
    side: str = ""


@CLIENT.row(8, "1 count")
@dataclass(frozen=True)
class ReqIds:
    """The next valid order id."""

    count: int = 1


@CLIENT.row(9, "8 req_id", *CONTRACT, "include_expired sec_id_type sec_id issuer_id>=176")
@dataclass(frozen=True)
class ReqContractDetails(ContractRequest):
    """All contracts that fit a description."""

    include_expired: bool = False
    sec_id_type: str = ""
    sec_id: str = ""
    issuer_id: str = ""


@CLIENT.row(15, "1 bind")
@dataclass(frozen=True)
class ReqAutoOpenOrders:
    """Client 0 binds orders entered by hand."""

    bind: bool = True


@CLIENT.row(16, "1")
@dataclass(frozen=True)
class ReqAllOpenOrders:
    """Everybody's open orders."""


@CLIENT.row(17, "1")
@dataclass(frozen=True)
class ReqManagedAccts:
    """The accounts behind this login."""


@CLIENT.row(
    20,
    "req_id",
    *CONTRACT,
    "include_expired end bar_size duration use_rth what format_date",
    LEGS,
    "keep_up_to_date options",
)
@dataclass(frozen=True)
class ReqHistoricalData(ContractRequest):
    """Bars of the past."""

    include_expired: bool = False
    end: str = ""
    bar_size: str = ""
    duration: str = ""
    use_rth: bool = True
    what: str = ""
    format_date: int = 1
    legs: tuple[QuoteLeg, ...] = ()
    keep_up_to_date: bool = False
    options: str = ""


@CLIENT.row(25, "1 req_id")
@dataclass(frozen=True)
class CancelHistoricalData(Cancellation):
    """No more bars."""


@CLIENT.row(49, "1")
@dataclass(frozen=True)
class ReqCurrentTime:
    """The gateway's clock."""


@CLIENT.row(58, "1")
@dataclass(frozen=True)
class ReqGlobalCancel:
    """Cancel every order there is."""


@CLIENT.row(59, "1 kind")
@dataclass(frozen=True)
class ReqMarketDataType:
    """1 live, 2 frozen, 3 delayed, 4 delayed-frozen."""

    kind: int = 1


@CLIENT.row(61, "1")
@dataclass(frozen=True)
class ReqPositions:
    """All positions, from now on."""


@CLIENT.row(62, "1 req_id group tags")
@dataclass(frozen=True)
class ReqAccountSummary:
    """Chosen values of all accounts, from now on."""

    req_id: int = 0
    group: str = "All"
    tags: str = ""


@CLIENT.row(63, "1 req_id")
@dataclass(frozen=True)
class CancelAccountSummary(Cancellation):
    """No more summary."""


@CLIENT.row(64, "1")
@dataclass(frozen=True)
class CancelPositions:
    """No more positions."""


@CLIENT.row(76, "1 req_id account model ledger")
@dataclass(frozen=True)
class ReqAccountUpdatesMulti:
    """Values of one account under a request id, from now on."""

    req_id: int = 0
    account: str = ""
    model: str = ""
    ledger: bool = False


@CLIENT.row(77, "1 req_id")
@dataclass(frozen=True)
class CancelAccountUpdatesMulti(Cancellation):
    """No more of them."""


@CLIENT.row(78, "req_id symbol exchange sec_type con_id")
@dataclass(frozen=True)
class ReqSecDefOptParams:
    """The option chain of an underlying."""

    req_id: int = 0
    symbol: str = ""
    exchange: str = ""
    sec_type: str = ""
    con_id: int = 0


@CLIENT.row(81, "req_id pattern")
@dataclass(frozen=True)
class ReqMatchingSymbols:
    """Symbols that look like this."""

    req_id: int = 0
    pattern: str = ""


@CLIENT.row(87, "req_id", *CONTRACT, "include_expired use_rth what format_date")
@dataclass(frozen=True)
class ReqHeadTimestamp(ContractRequest):
    """How far the history goes back."""

    include_expired: bool = False
    use_rth: bool = True
    what: str = ""
    format_date: int = 1


@CLIENT.row(90, "req_id")
@dataclass(frozen=True)
class CancelHeadTimestamp(Cancellation):
    """Never mind."""


@CLIENT.row(91, "rule_id")
@dataclass(frozen=True)
class ReqMarketRule:
    """The price increments of a rule."""

    rule_id: int = 0


@CLIENT.row(92, "req_id account model")
@dataclass(frozen=True)
class ReqPnl:
    """Profit and loss of an account, from now on."""

    req_id: int = 0
    account: str = ""
    model: str = ""


@CLIENT.row(93, "req_id")
@dataclass(frozen=True)
class CancelPnl(Cancellation):
    """No more of it."""


@CLIENT.row(94, "req_id account model con_id")
@dataclass(frozen=True)
class ReqPnlSingle:
    """Profit and loss of a position, from now on."""

    req_id: int = 0
    account: str = ""
    model: str = ""
    con_id: int = 0


@CLIENT.row(95, "req_id")
@dataclass(frozen=True)
class CancelPnlSingle(Cancellation):
    """No more of it."""


@CLIENT.row(99, "api_only")
@dataclass(frozen=True)
class ReqCompletedOrders:
    """Orders that are done."""

    api_only: bool = False
