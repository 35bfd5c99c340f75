"""What a gateway sends about itself, contracts, quotes and history."""

from dataclasses import dataclass, field
from typing import ClassVar

from brokerage.tws.fields import Size
from brokerage.tws.layout import Item, scope
from brokerage.tws.messages_common import Contract, TagValue
from brokerage.tws.table import Table

SERVER = Table("server")


@SERVER.row(1, "6 req_id kind price size attributes")
@dataclass(frozen=True)
class TickPrice:
    """A price with its size: 1 bid, 2 ask, 4 last, 6 high, 7 low, 9 close, 14 open."""

    req_id: int = 0
    kind: int = 1
    price: float = 0.0
    size: Size = 0.0
    attributes: int = 0


@SERVER.row(2, "6 req_id kind size")
@dataclass(frozen=True)
class TickSize:
    """A size: 0 bid, 3 ask, 5 last, 8 volume."""

    req_id: int = 0
    kind: int = 0
    size: Size = 0.0


@SERVER.row(4, "2 req_id code text reject_json>=166")
@dataclass(frozen=True)
class Error:
    """An error, a warning or a notice; request id −1 concerns the system."""

    req_id: int = -1
    code: int = 0
    text: str = ""
    reject_json: str = ""


@SERVER.row(9, "1 order_id")
@dataclass(frozen=True)
class NextValidId:
    """The first order id that this client may use."""

    order_id: int = 1


CONTRACT_DATA = (
    "8<164 req_id",
    *scope(
        "contract",
        "symbol sec_type expiry strike right exchange currency local_symbol",
    ),
    "market_name contract.trading_class contract.con_id min_tick size_multiplier<164",
    "contract.multiplier order_types valid_exchanges price_magnifier under_con_id long_name",
    "contract.primary_exchange contract_month industry category subcategory time_zone",
    "trading_hours liquid_hours ev_rule ev_multiplier sec_ids* agg_group under_symbol",
    "under_sec_type market_rules real_expiry stock_type suggested_increment=163",
    "min_size>=164 size_increment>=164 suggested_increment>=164",
)


@SERVER.row(10, *CONTRACT_DATA)
@dataclass(frozen=True)
class ContractData:
    """One contract that fits the description."""

    req_id: int = 0
    contract: Contract = field(default_factory=Contract)
    market_name: str = ""
    min_tick: float = 0.01
    size_multiplier: int = 1
    order_types: str = ""
    valid_exchanges: str = ""
    price_magnifier: int = 1
    under_con_id: int = 0
    long_name: str = ""
    contract_month: str = ""
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    time_zone: str = ""
    trading_hours: str = ""
    liquid_hours: str = ""
    ev_rule: str = ""
    ev_multiplier: int = 0
    sec_ids: tuple[TagValue, ...] = ()
    agg_group: int = 1
    under_symbol: str = ""
    under_sec_type: str = ""
    market_rules: str = ""
    real_expiry: str = ""
    stock_type: str = ""
    min_size: Size = 1.0
    size_increment: Size = 1.0
    suggested_increment: Size = 100.0


@SERVER.row(15, "1 accounts")
@dataclass(frozen=True)
class ManagedAccts:
    """The accounts behind this login, comma-separated."""

    accounts: str = ""


@dataclass(frozen=True)
class WireBar:
    """One historical bar; the date as text, as the request asked for it."""

    date: str = ""
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    volume: Size = 0.0
    wap: float = 0.0
    count: int = 0


@SERVER.row(17, "req_id start end bars*")
@dataclass(frozen=True)
class HistoricalData:
    """All bars of a request; nothing follows."""

    req_id: int = 0
    start: str = ""
    end: str = ""
    bars: tuple[WireBar, ...] = ()


@SERVER.row(21, "req_id kind attributes iv delta price pv_dividend gamma vega theta under_price")
@dataclass(frozen=True)
class TickOptionComputation:
    """Model figures: 10 bid, 11 ask, 12 last, 13 model; −1 and −2 stand for none."""

    req_id: int = 0
    kind: int = 13
    attributes: int = 0
    iv: float = -1.0
    delta: float = -2.0
    price: float = -1.0
    pv_dividend: float = -1.0
    gamma: float = -2.0
    vega: float = -2.0
    theta: float = -2.0
    under_price: float = -1.0


@SERVER.row(45, "6 req_id kind value")
@dataclass(frozen=True)
class TickGeneric:
    """A figure, such as 49 halted."""

    req_id: int = 0
    kind: int = 49
    value: float = 0.0


@SERVER.row(46, "6 req_id kind value")
@dataclass(frozen=True)
class TickString:
    """A text: 45 time of the last trade in epoch seconds, 48 the last trade with volume."""

    req_id: int = 0
    kind: int = 45
    value: str = ""


@SERVER.row(49, "1 epoch")
@dataclass(frozen=True)
class CurrentTime:
    """The gateway's clock in epoch seconds."""

    epoch: int = 0


@SERVER.row(52, "1 req_id")
@dataclass(frozen=True)
class ContractDetailsEnd:
    """No more contracts."""

    req_id: int = 0


@SERVER.row(57, "1 req_id")
@dataclass(frozen=True)
class SnapshotEnd:
    """The snapshot is complete."""

    req_id: int = 0


@SERVER.row(58, "1 req_id kind")
@dataclass(frozen=True)
class MarketDataType:
    """What kind of data follows: 1 live, 2 frozen, 3 delayed, 4 delayed-frozen."""

    req_id: int = 0
    kind: int = 1


@SERVER.row(75, "req_id exchange con_id trading_class multiplier expirations* strikes*")
@dataclass(frozen=True)
class SecDefOptParam:
    """The chain of one exchange and class."""

    req_id: int = 0
    exchange: str = ""
    con_id: int = 0
    trading_class: str = ""
    multiplier: str = ""
    expirations: tuple[str, ...] = ()
    strikes: tuple[float, ...] = ()


@SERVER.row(76, "req_id")
@dataclass(frozen=True)
class SecDefOptParamEnd:
    """No more chains."""

    req_id: int = 0


@dataclass(frozen=True)
class Sample:
    """One symbol that looks like the pattern."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    primary_exchange: str = ""
    currency: str = ""
    derivatives: tuple[str, ...] = ()
    description: str = ""
    issuer_id: str = ""

    wire: ClassVar[tuple[Item, ...]] = (
        "con_id symbol sec_type primary_exchange currency derivatives*",
        "description>=176 issuer_id>=176",
    )


@SERVER.row(79, "req_id samples*")
@dataclass(frozen=True)
class SymbolSamples:
    """The symbols that look like the pattern."""

    req_id: int = 0
    samples: tuple[Sample, ...] = ()


@SERVER.row(81, "req_id min_tick bbo_exchange snapshot_permissions")
@dataclass(frozen=True)
class TickReqParams:
    """What a quote subscription is based on."""

    req_id: int = 0
    min_tick: float = 0.01
    bbo_exchange: str = ""
    snapshot_permissions: int = 3


@SERVER.row(88, "req_id timestamp")
@dataclass(frozen=True)
class HeadTimestamp:
    """The first moment of the history."""

    req_id: int = 0
    timestamp: str = ""


@SERVER.row(90, "req_id count date open close high low wap volume")
@dataclass(frozen=True)
class HistoricalDataUpdate:
    """The newest bar of a subscription; the order differs from that of a historical bar."""

    req_id: int = 0
    count: int = 0
    date: str = ""
    open: float = 0.0
    close: float = 0.0
    high: float = 0.0
    low: float = 0.0
    wap: float = 0.0
    volume: Size = 0.0


@dataclass(frozen=True)
class Increment:
    """From this price on, prices are multiples of the increment."""

    low_edge: float = 0.0
    increment: float = 0.01


@SERVER.row(93, "rule_id increments*")
@dataclass(frozen=True)
class MarketRule:
    """The price increments of a rule."""

    rule_id: int = 0
    increments: tuple[Increment, ...] = ()
