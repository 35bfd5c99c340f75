"""What a gateway sends about orders and executions."""

from dataclasses import dataclass, field
from typing import ClassVar

from brokerage.tws.fields import Quantity
from brokerage.tws.layout import scope, when
from brokerage.tws.messages_common import (
    BENCHMARK,
    C11,
    DELTA_NEUTRAL,
    SCALE,
    Contract,
    Extras,
    Order,
    pegged_to_benchmark,
    scaled,
)
from brokerage.tws.messages_server import SERVER
from brokerage.tws.objects import Formed

CONTRACT = scope("contract", C11)
PEGS = "min_trade_quantity min_compete_size compete_offset mid_offset_whole mid_offset_half"
SINCE_170 = " ".join(f"{name}?>=170" for name in PEGS.split())
COMBO = scope("extras", "legs* leg_prices* routing*")
HEDGED = (
    "extras.hedged",
    when("extras.hedged", *scope("extras.delta_neutral", "con_id delta price")),
)


@SERVER.row(
    3,
    "order_id status filled remaining avg_price perm_id parent_id last_price client_id why_held",
    "cap_price",
)
@dataclass(frozen=True)
class OrderStatus:
    """Where an order stands."""

    order_id: int = 0
    status: str = ""
    filled: Quantity = 0.0
    remaining: Quantity = 0.0
    avg_price: float = 0.0
    perm_id: int = 0
    parent_id: int = 0
    last_price: float = 0.0
    client_id: int = 0
    why_held: str = ""
    cap_price: float = 0.0


@dataclass(frozen=True, eq=False)
class OrderState(Formed):
    """What the gateway thinks of an order; the margins are numbers for a what-if alone."""

    TERMS: ClassVar[frozenset[str]] = frozenset()

    status: str = ""
    init_before: float | None = None
    maint_before: float | None = None
    equity_before: float | None = None
    init_change: float | None = None
    maint_change: float | None = None
    equity_change: float | None = None
    init_after: float | None = None
    maint_after: float | None = None
    equity_after: float | None = None
    commission: float | None = None
    min_commission: float | None = None
    max_commission: float | None = None
    commission_currency: str = ""
    warning: str = ""


STATE = scope(
    "state",
    "status init_before maint_before equity_before init_change maint_change equity_change",
    "init_after maint_after equity_after commission? min_commission? max_commission?",
    "commission_currency warning",
)
HEAD = scope(
    "order",
    "action quantity order_type limit_price aux_price tif oca_group account open_close origin ref",
)

OPEN_ORDER = (
    "order_id",
    *CONTRACT,
    *HEAD,
    "client_id perm_id",
    *scope("order", "outside_rth hidden discretionary_amount good_after"),
    "allocation",
    *scope(
        "order",
        "fa_group fa_method fa_percentage fa_profile<177 model_code good_till rule_80a",
        "percent_offset? settling_firm short_sale_slot designated_location exempt_code",
        "auction_strategy starting_price? stock_ref_price? delta? stock_range_lower?",
        "stock_range_upper? display_size block_order sweep_to_fill all_or_none min_quantity?",
        "oca_type e_trade_only firm_quote_only nbbo_price_cap? parent_id trigger_method",
        "volatility? volatility_type dn_order_type dn_aux_price?",
        when("dn_order_type", DELTA_NEUTRAL),
        "continuous_update reference_price_type trail_stop_price? trailing_percent? basis_points?",
        "basis_points_type?",
    ),
    "combo_description",
    *COMBO,
    *scope(
        "order",
        "scale_init_size scale_subs_size scale_increment?",
        when("scale_increment", SCALE, test=scaled),
        "hedge_type",
        when("hedge_type", "hedge_param"),
        "opt_out_smart clearing_account clearing_intent not_held",
    ),
    *HEDGED,
    *scope(
        "order",
        "algo_strategy",
        when("algo_strategy", "algo_params*"),
        "solicited what_if",
    ),
    *STATE,
    *scope(
        "order",
        "randomize_size randomize_price",
        when("order_type", BENCHMARK, test=pegged_to_benchmark),
        "conditions*",
        when("conditions", "conditions_ignore_rth conditions_cancel"),
        "adjusted_type trigger_price trail_stop_price limit_offset adjusted_stop",
        "adjusted_stop_limit adjusted_trailing adjusted_unit soft_dollar_name soft_dollar_value",
        "soft_dollar_display cash_quantity no_auto_price_hedge is_oms_container",
        "discretionary_to_limit price_management duration?>=158 post_to_ats?>=160",
        "auto_cancel_parent>=162",
        SINCE_170,
    ),
)


@SERVER.row(5, *OPEN_ORDER, repetitive=True)
@dataclass(frozen=True)
class OpenOrder:
    """An order as the gateway holds it; must come before its status."""

    order_id: int = 0
    contract: Contract = field(default_factory=Contract)
    order: Order = field(default_factory=Order)
    client_id: int = 0
    perm_id: int = 0
    allocation: str = ""
    combo_description: str = ""
    extras: Extras = field(default_factory=Extras)
    state: OrderState = field(default_factory=OrderState)


@SERVER.row(
    11,
    "req_id order_id",
    *CONTRACT,
    "exec_id time account exchange side shares price perm_id client_id liquidation cumulative",
    "avg_price ref ev_rule ev_multiplier? model_code last_liquidity pending_revision>=178",
)
@dataclass(frozen=True)
class ExecDetails:
    """One execution; request id −1 when nobody asked."""

    req_id: int = -1
    order_id: int = 0
    contract: Contract = field(default_factory=Contract)
    exec_id: str = ""
    time: str = ""
    account: str = ""
    exchange: str = ""
    side: str = "BOT"
    shares: Quantity = 0.0
    price: float = 0.0
    perm_id: int = 0
    client_id: int = 0
    liquidation: int = 0
    cumulative: Quantity = 0.0
    avg_price: float = 0.0
    ref: str = ""
    ev_rule: str = ""
    ev_multiplier: float | None = None
    model_code: str = ""
    last_liquidity: int = 1
    pending_revision: bool = False


@SERVER.row(53, "1")
@dataclass(frozen=True)
class OpenOrderEnd:
    """No more open orders."""


@SERVER.row(55, "1 req_id")
@dataclass(frozen=True)
class ExecDetailsEnd:
    """No more executions."""

    req_id: int = 0


@SERVER.row(59, "1 exec_id commission currency realized yield_ yield_date?")
@dataclass(frozen=True)
class CommissionReport:
    """What an execution cost; realized profit is unset when it opened a position."""

    exec_id: str = ""
    commission: float = 0.0
    currency: str = "USD"
    realized: float | None = None
    yield_: float | None = None
    yield_date: int | None = None


COMPLETED_ORDER = (
    *CONTRACT,
    *HEAD,
    "perm_id",
    *scope(
        "order",
        "outside_rth hidden discretionary_amount good_after fa_group fa_method fa_percentage",
        "fa_profile<177 model_code good_till rule_80a percent_offset? settling_firm",
        "short_sale_slot designated_location exempt_code starting_price? stock_ref_price? delta?",
        "stock_range_lower? stock_range_upper? display_size sweep_to_fill all_or_none",
        "min_quantity? oca_type trigger_method volatility? volatility_type dn_order_type",
        "dn_aux_price?",
        when(
            "dn_order_type",
            "dn_con_id dn_short_sale dn_short_sale_slot dn_designated_location",
        ),
        "continuous_update reference_price_type trail_stop_price? trailing_percent?",
    ),
    "combo_description",
    *COMBO,
    *scope(
        "order",
        "scale_init_size scale_subs_size scale_increment?",
        when("scale_increment", SCALE, test=scaled),
        "hedge_type",
        when("hedge_type", "hedge_param"),
        "clearing_account clearing_intent not_held",
    ),
    *HEDGED,
    *scope("order", "algo_strategy", when("algo_strategy", "algo_params*"), "solicited"),
    "status",
    *scope(
        "order",
        "randomize_size randomize_price",
        when("order_type", BENCHMARK, test=pegged_to_benchmark),
        "conditions*",
        when("conditions", "conditions_ignore_rth conditions_cancel"),
        "trail_stop_price limit_offset cash_quantity no_auto_price_hedge is_oms_container",
    ),
    "auto_cancel_date filled ref_futures_con_id order.auto_cancel_parent shareholder",
    "imbalance_only route_to_bbo parent_perm_id completed_time completed_status",
    *scope("order", SINCE_170),
)


@SERVER.row(101, *COMPLETED_ORDER)
@dataclass(frozen=True)
class CompletedOrder:
    """An order that is done; has neither order id nor client id."""

    contract: Contract = field(default_factory=Contract)
    order: Order = field(default_factory=Order)
    perm_id: int = 0
    combo_description: str = ""
    extras: Extras = field(default_factory=Extras)
    status: str = ""
    auto_cancel_date: str = ""
    filled: Quantity = 0.0
    ref_futures_con_id: int = 0
    shareholder: str = ""
    imbalance_only: bool = False
    route_to_bbo: bool = False
    parent_perm_id: int = 0
    completed_time: str = ""
    completed_status: str = ""


@SERVER.row(102, "")
@dataclass(frozen=True)
class CompletedOrdersEnd:
    """No more completed orders."""
