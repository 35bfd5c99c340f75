"""Contracts and orders as they travel, shared by the messages of both directions."""

from dataclasses import dataclass, field
from typing import ClassVar

from brokerage.tws.fields import Offset, Quantity
from brokerage.tws.layout import Item, when
from brokerage.tws.objects import Formed

C12 = (
    "con_id symbol sec_type expiry strike right multiplier exchange primary_exchange currency"
    " local_symbol trading_class"
)
C11 = C12.replace(" primary_exchange", "")
P11 = C12.replace(" exchange ", " ")  # the primary exchange where C11 has the exchange


@dataclass(frozen=True)
class ComboLeg:
    """One leg of a combination order."""

    con_id: int = 0
    ratio: int = 0
    action: str = ""
    exchange: str = ""
    open_close: int = 0
    short_sale_slot: int = 0
    designated_location: str = ""
    exempt_code: int = -1


@dataclass(frozen=True)
class QuoteLeg:
    """One leg of a combination that is only looked at."""

    con_id: int = 0
    ratio: int = 0
    action: str = ""
    exchange: str = ""


@dataclass(frozen=True)
class DeltaNeutral:
    """The underlying that hedges a combination."""

    con_id: int = 0
    delta: float = 0.0
    price: float = 0.0


@dataclass(frozen=True)
class TagValue:
    """A named parameter."""

    tag: str = ""
    value: str = ""


@dataclass(frozen=True)
class LegPrice:
    """The price of one leg."""

    price: float | None = None


@dataclass(frozen=True)
class Condition:
    """A condition of an order: 1 price, 3 time, 4 margin, 5 execution, 6 volume, 7 change."""

    kind: int = 1
    conjunction: str = "a"
    is_more: bool = False
    value: str = ""
    con_id: int = 0
    exchange: str = ""
    trigger_method: int = 0
    sec_type: str = ""
    symbol: str = ""

    wire: ClassVar[tuple[Item, ...]] = (
        "kind conjunction",
        when("kind", "is_more value", test=lambda kind: kind != 5),
        when("kind", "con_id exchange", test=lambda kind: kind in {1, 6, 7}),
        when("kind", "trigger_method", test=lambda kind: kind == 1),
        when("kind", "sec_type exchange symbol", test=lambda kind: kind == 5),
    )


@dataclass(frozen=True)
class Contract:
    """What is traded; expiry `YYYYMMDD`, strike in dollars."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    expiry: str = ""
    strike: float = 0.0
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""


@dataclass(frozen=True)
class Extras:
    """What an order may carry besides the contract for combinations and hedges."""

    legs: tuple[ComboLeg, ...] = ()
    leg_prices: tuple[LegPrice, ...] = ()
    routing: tuple[TagValue, ...] = ()
    hedged: bool = False
    delta_neutral: DeltaNeutral = field(default_factory=DeltaNeutral)


TERMS = frozenset(
    {
        "action", "quantity", "order_type", "limit_price", "aux_price", "tif", "oca_group",
        "account", "open_close", "origin", "ref", "transmit", "parent_id", "block_order",
        "sweep_to_fill", "display_size", "trigger_method", "outside_rth", "hidden",
        "trail_stop_price",
    }
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Order(Formed):
    """Every attribute of an order that crosses the wire; None is "not set"."""

    TERMS: ClassVar[frozenset[str]] = TERMS

    action: str = ""
    quantity: Quantity = 0.0
    order_type: str = ""
    limit_price: float | None = None
    aux_price: float | None = None
    tif: str = ""
    oca_group: str = ""
    account: str = ""
    open_close: str = ""
    origin: int = 0
    ref: str = ""
    transmit: bool = True
    parent_id: int = 0
    block_order: bool = False
    sweep_to_fill: bool = False
    display_size: int = 0
    trigger_method: int = 0
    outside_rth: bool = False
    hidden: bool = False
    discretionary_amount: float = 0.0
    good_after: str = ""
    good_till: str = ""
    fa_group: str = ""
    fa_method: str = ""
    fa_percentage: str = ""
    fa_profile: str = ""
    model_code: str = ""
    short_sale_slot: int = 0
    designated_location: str = ""
    exempt_code: int = -1
    oca_type: int = 0
    rule_80a: str = ""
    settling_firm: str = ""
    all_or_none: bool = False
    min_quantity: int | None = None
    percent_offset: float | None = None
    e_trade_only: bool = False
    firm_quote_only: bool = False
    nbbo_price_cap: float | None = None
    auction_strategy: int = 0
    starting_price: float | None = None
    stock_ref_price: float | None = None
    delta: float | None = None
    stock_range_lower: float | None = None
    stock_range_upper: float | None = None
    override_percentage: bool = False
    volatility: float | None = None
    volatility_type: int | None = None
    dn_order_type: str = ""
    dn_aux_price: float | None = None
    dn_con_id: int = 0
    dn_settling_firm: str = ""
    dn_clearing_account: str = ""
    dn_clearing_intent: str = ""
    dn_open_close: str = ""
    dn_short_sale: bool = False
    dn_short_sale_slot: int = 0
    dn_designated_location: str = ""
    continuous_update: bool = False
    reference_price_type: int | None = None
    trail_stop_price: float | None = None
    trailing_percent: float | None = None
    basis_points: float | None = None
    basis_points_type: int | None = None
    scale_init_size: int | None = None
    scale_subs_size: int | None = None
    scale_increment: float | None = None
    scale_adjust_value: float | None = None
    scale_adjust_interval: int | None = None
    scale_profit_offset: float | None = None
    scale_auto_reset: bool = False
    scale_init_position: int | None = None
    scale_init_fill: int | None = None
    scale_random_percent: bool = False
    scale_table: str = ""
    active_start: str = ""
    active_stop: str = ""
    hedge_type: str = ""
    hedge_param: str = ""
    opt_out_smart: bool = False
    clearing_account: str = ""
    clearing_intent: str = ""
    not_held: bool = False
    algo_strategy: str = ""
    algo_params: tuple[TagValue, ...] = ()
    algo_id: str = ""
    what_if: bool = False
    misc_options: str = ""
    solicited: bool = False
    randomize_size: bool = False
    randomize_price: bool = False
    peg_contract_id: int = 0
    peg_decrease: bool = False
    peg_amount: float = 0.0
    peg_reference_amount: float = 0.0
    peg_exchange: str = ""
    conditions: tuple[Condition, ...] = ()
    conditions_ignore_rth: bool = False
    conditions_cancel: bool = False
    adjusted_type: str = ""
    trigger_price: float | None = None
    limit_offset: float | None = None
    adjusted_stop: float | None = None
    adjusted_stop_limit: float | None = None
    adjusted_trailing: float | None = None
    adjusted_unit: int = 0
    ext_operator: str = ""
    soft_dollar_name: str = ""
    soft_dollar_value: str = ""
    soft_dollar_display: str = ""
    cash_quantity: float | None = None
    mifid_decision_maker: str = ""
    mifid_decision_algo: str = ""
    mifid_execution_trader: str = ""
    mifid_execution_algo: str = ""
    no_auto_price_hedge: bool = False
    is_oms_container: bool = False
    discretionary_to_limit: bool = False
    price_management: int | None = None
    duration: int | None = None
    post_to_ats: int | None = None
    auto_cancel_parent: bool = False
    error_override: str = ""
    manual_time: str = ""
    min_trade_quantity: int | None = None
    min_compete_size: int | None = None
    compete_offset: Offset = None
    mid_offset_whole: float | None = None
    mid_offset_half: float | None = None


PEG_BENCH = frozenset({"PEG BENCH", "PEGBENCH"})
BENCHMARK = "peg_contract_id peg_decrease peg_amount peg_reference_amount peg_exchange"
SCALE = (
    "scale_adjust_value scale_adjust_interval scale_profit_offset scale_auto_reset"
    " scale_init_position scale_init_fill scale_random_percent"
)
DELTA_NEUTRAL = (
    "dn_con_id dn_settling_firm dn_clearing_account dn_clearing_intent dn_open_close"
    " dn_short_sale dn_short_sale_slot dn_designated_location"
)


def scaled(increment: float | None) -> bool:
    """Whether the seven scale fields follow."""
    return increment is not None and increment > 0


def pegged_to_benchmark(order_type: str) -> bool:
    """Whether the five benchmark fields follow."""
    return order_type in PEG_BENCH
