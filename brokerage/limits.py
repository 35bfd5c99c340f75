"""How much may be ordered: shares of the account's value, and what an order grant covers."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from brokerage.bounds import HOUSE, Bounds
from brokerage.errors import OrderRefused
from brokerage.models import OrderGrant, OrderRecord
from brokerage.terms import TERMINAL, WORKING, Intent, OrderState, Position

# Orders that may still fill, and that nobody has asked to end.
STANDING = frozenset({OrderState.SUBMITTING, OrderState.SUBMITTED, OrderState.PARTIAL})
RECENT = 1000  # orders: none before them ends while a position is being read


@dataclass(frozen=True)
class Holding:
    """What own orders of one contract add up to: filled, and still working on either side."""

    sec_type: str
    multiplier: int
    price: float
    net: float = 0.0
    buying: float = 0.0
    selling: float = 0.0

    @property
    def worst(self) -> float:
        """The largest position, long or short, that fills of working orders could make."""
        return max(self.net + self.buying, self.selling - self.net, 0.0)

    @property
    def notional(self) -> float:
        """USD of the worst case."""
        return self.worst * self.price * self.multiplier


@dataclass(frozen=True)
class Held:
    """What a reduce-only order could close, by the gateway's word after `ended` had ended.

    Those are the keys of clean-up orders, of rows numbered above `since`. No time tells which came
    first: two workers' clocks may be an hour apart.
    """

    quantity: float
    ended: frozenset[str] = frozenset()
    since: int = 0


def doubled_problem(intent: Intent, holding: Held, endpoint_id: int | None) -> OrderRefused | None:
    """Return why a clean-up order would do again what another one does, if so.

    Two that are let out at the same time would turn the position round. To be asked in the
    transaction that lets the order out: each locks the rows of all. Orders that are being
    cancelled, or whose fate is unknown, do not hold a clean-up up.
    """
    counts = ~Q(state__in=TERMINAL) | Q(pk__gt=holding.since)
    rows = _alike(intent, endpoint_id).select_for_update().filter(counts).order_by("pk")
    under_way = sum(_taken(row) for row in rows if row.key not in holding.ended)
    if intent.quantity + under_way <= holding.quantity:
        return None
    text = f"Another clean-up order for {under_way:g} of {holding.quantity:g} is under way."
    return OrderRefused("REDUCE_ONLY", text)


def ended_so_far(intent: Intent, endpoint_id: int | None) -> Held:
    """Return which clean-up orders like this one have ended, before the gateway is asked."""
    newest = OrderRecord.objects.aggregate(newest=Max("pk"))["newest"] or 0
    since = max(newest - RECENT, 0)
    ended = _alike(intent, endpoint_id).filter(pk__gt=since, state__in=TERMINAL)
    return Held(0.0, frozenset(ended.values_list("key", flat=True)), since)


def _alike(intent: Intent, endpoint_id: int | None) -> QuerySet[OrderRecord]:
    # Private gateways have nothing but the reference in common.
    here = Q(endpoint=None, ref=intent.ref) if endpoint_id is None else Q(endpoint_id=endpoint_id)
    rows = OrderRecord.objects.filter(here, con_id=intent.contract.con_id, side=intent.side)
    return rows.filter(purpose="CLEANUP").exclude(key=intent.key)


def _taken(order: OrderRecord) -> float:
    if order.state in STANDING:
        return order.quantity
    return order.filled if order.terminal else 0.0


def closes(intent: Intent, holding: Holding) -> bool:
    """Say whether the order can only bring the own position nearer to zero."""
    if intent.side == "SELL":
        return intent.quantity <= holding.net - holding.selling
    return intent.quantity <= -holding.net - holding.buying


def closes_own(intent: Intent, holdings: dict[int, Holding]) -> bool:
    """Say whether the order can only bring an own position of these nearer to zero."""
    holding = holdings.get(intent.contract.con_id)
    return holding is not None and closes(intent, holding)


def trade_problem(
    intent: Intent,
    price: float,
    equity: float,
    positions: Iterable[Position],
    bounds: Bounds = HOUSE,
) -> OrderRefused | None:
    """Return which share of the net liquidation value an opening order would exceed, if any."""
    if not equity > 0:
        return OrderRefused("LIMITS", "The net liquidation value is not known.")
    contract = intent.contract
    value = intent.quantity * price * contract.multiplier
    costs = [(p.con_id, abs(p.quantity * p.avg_cost)) for p in positions]
    held = sum(cost for con_id, cost in costs if con_id == contract.con_id)
    gross = sum(cost for _, cost in costs)
    rules = (
        ("RISK_PER_TRADE", "risk of the trade", value, bounds.risk_per_trade),
        ("RISK_SINGLE_TRADE", "value of the trade", value, bounds.single_trade),
        ("RISK_POSITION", "position", held + value, bounds.position),
        ("RISK_EXPOSURE", "exposure", gross + value, bounds.exposure),
    )
    for reason, what, amount, share in rules:
        if amount > share * equity:
            most = f"{100 * share:.3g}% of {equity:,.0f} USD"
            text = f"The {what} of {amount:,.0f} USD is over {most}."
            return OrderRefused(reason, text)
    return None


def grant_problem(
    grant: OrderGrant, intent: Intent, price: float, holdings: dict[int, Holding]
) -> OrderRefused | None:
    """Return what the grant does not cover, if anything; `holdings` are those of its scope."""
    if grant.revoked_at is not None:
        return OrderRefused("GRANT_REVOKED", f"The order grant of {grant.scope} was revoked.")
    if timezone.now() >= grant.expires_at:
        return OrderRefused("GRANT_EXPIRED", f"The order grant of {grant.scope} has expired.")
    if grant.orders_used() >= grant.max_orders:
        return OrderRefused("GRANT_ORDERS", f"All {grant.max_orders} orders are used up.")
    before = holdings.get(intent.contract.con_id, _nothing(intent, price))
    if closes(intent, before):
        return None
    if intent.contract.symbol not in grant.symbols:
        covered = ", ".join(grant.symbols) or "no symbol"
        text = f"The order grant of {grant.scope} is for {covered}, not {intent.contract.symbol}."
        return OrderRefused("GRANT_SYMBOL", text)
    if intent.contract.is_option and price * intent.contract.multiplier > grant.max_premium:
        premium = price * intent.contract.multiplier
        text = f"A premium of {premium:,.0f} USD is over the cap of {grant.max_premium:,.0f} USD."
        return OrderRefused("PREMIUM", text)
    return _size_problem(grant, holdings | {intent.contract.con_id: _after(intent, price, before)})


def _size_problem(grant: OrderGrant, holdings: dict[int, Holding]) -> OrderRefused | None:
    contracts = sum(h.worst for h in holdings.values() if h.sec_type == "OPT")
    shares = sum(h.worst for h in holdings.values() if h.sec_type != "OPT")
    notional = sum(h.notional for h in holdings.values())
    rules = (
        ("GRANT_CONTRACTS", "option contracts", contracts, grant.max_contracts),
        ("GRANT_SHARES", "shares", shares, grant.max_shares),
        ("GRANT_NOTIONAL", "USD of open notional", notional, grant.max_notional),
    )
    for reason, what, amount, most in rules:
        if amount > most:
            text = f"{amount:,.0f} {what} would be open; {most:,.0f} are granted."
            return OrderRefused(reason, text)
    return None


def _nothing(intent: Intent, price: float) -> Holding:
    return Holding(intent.contract.sec_type, intent.contract.multiplier, price)


def _after(intent: Intent, price: float, before: Holding) -> Holding:
    buying = before.buying + (intent.quantity if intent.side == "BUY" else 0)
    selling = before.selling + (intent.quantity if intent.side == "SELL" else 0)
    dearest = max(price, before.price)
    return Holding(before.sec_type, before.multiplier, dearest, before.net, buying, selling)


def holdings_of(scope: str, besides: str = "") -> dict[int, Holding]:
    """Add up the own orders of a scope by contract, from the database.

    Of the order with the key `besides`, which is about to be changed, only what is filled counts.
    """
    sums: dict[int, Holding] = {}
    for order in OrderRecord.objects.filter(scope=scope).exclude(state__in=("INTENT", "REFUSED")):
        price = order.avg_price or order.limit_price or 0.0
        old = sums.get(order.con_id, Holding(order.sec_type, order.multiplier, price))
        works = order.state in WORKING and order.key != besides
        left = max(order.quantity - order.filled, 0) if works else 0
        buy = order.side == "BUY"
        sums[order.con_id] = Holding(
            old.sec_type,
            old.multiplier,
            max(old.price, price),
            old.net + (order.filled if buy else -order.filled),
            old.buying + (left if buy else 0),
            old.selling + (0 if buy else left),
        )
    return sums
