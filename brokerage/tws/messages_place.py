"""The longest message of all: an order, as a client places or changes it."""

from dataclasses import dataclass, field

from brokerage.tws.layout import When, scope, when
from brokerage.tws.messages_client import CLIENT, CONTRACT, is_bag
from brokerage.tws.messages_common import (
    BENCHMARK,
    DELTA_NEUTRAL,
    SCALE,
    Contract,
    Extras,
    Order,
    pegged_to_benchmark,
    scaled,
)


def _order(*items: str | When) -> tuple[str | When, ...]:
    return scope("order", *items)


PEG_BEST = frozenset({"PEG BEST", "PEGBEST"})
PEG_MID = frozenset({"PEG MID", "PEGMID"})
MID_OFFSETS = "mid_offset_whole>=170 mid_offset_half>=170"

PLACE = (
    "order_id",
    *CONTRACT,
    "sec_id_type sec_id",
    *_order(
        "action quantity order_type limit_price aux_price tif oca_group account open_close origin",
        "ref transmit parent_id block_order sweep_to_fill display_size trigger_method outside_rth",
        "hidden",
    ),
    when("contract.sec_type", *scope("extras", "legs* leg_prices* routing*"), test=is_bag),
    "-",
    *_order(
        "discretionary_amount good_after good_till fa_group fa_method fa_percentage",
        "fa_profile<177 model_code short_sale_slot designated_location exempt_code oca_type",
        "rule_80a settling_firm all_or_none min_quantity percent_offset e_trade_only",
        "firm_quote_only nbbo_price_cap auction_strategy starting_price stock_ref_price delta",
        "stock_range_lower stock_range_upper override_percentage volatility volatility_type",
        "dn_order_type dn_aux_price",
        when("dn_order_type", DELTA_NEUTRAL),
        "continuous_update reference_price_type trail_stop_price trailing_percent",
        "scale_init_size scale_subs_size scale_increment",
        when("scale_increment", SCALE, test=scaled),
        "scale_table active_start active_stop hedge_type",
        when("hedge_type", "hedge_param"),
        "opt_out_smart clearing_account clearing_intent not_held",
    ),
    "extras.hedged",
    when("extras.hedged", *scope("extras.delta_neutral", "con_id delta price")),
    *_order(
        "algo_strategy",
        when("algo_strategy", "algo_params*"),
        "algo_id what_if misc_options solicited randomize_size randomize_price",
        when("order_type", BENCHMARK, test=pegged_to_benchmark),
        "conditions*",
        when("conditions", "conditions_ignore_rth conditions_cancel"),
        "adjusted_type trigger_price limit_offset adjusted_stop adjusted_stop_limit",
        "adjusted_trailing adjusted_unit ext_operator soft_dollar_name soft_dollar_value",
        "cash_quantity mifid_decision_maker mifid_decision_algo mifid_execution_trader",
        "mifid_execution_algo no_auto_price_hedge is_oms_container discretionary_to_limit",
        "price_management duration>=158 post_to_ats>=160 auto_cancel_parent>=162",
        "error_override>=166 manual_time>=169",
    ),
    when("contract.exchange", "order.min_trade_quantity>=170", test=lambda at: at == "IBKRATS"),
    *_order(
        when(
            "order_type",
            "min_compete_size>=170 compete_offset>=170",
            test=lambda kind: kind in PEG_BEST,
        ),
        when("compete_offset", MID_OFFSETS, test=lambda offset: offset == float("inf")),
        when("order_type", MID_OFFSETS, test=lambda kind: kind in PEG_MID),
    ),
)


@CLIENT.row(3, *PLACE, repetitive=True)
@dataclass(frozen=True)
class PlaceOrder:
    """A new order, or a change of a working one with the same id."""

    order_id: int = 0
    contract: Contract = field(default_factory=Contract)
    order: Order = field(default_factory=Order)
    sec_id_type: str = ""
    sec_id: str = ""
    extras: Extras = field(default_factory=Extras)
