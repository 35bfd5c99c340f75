"""Which orders the venue takes: contract, terms, account, margin, crowd and ties, with codes."""

from brokerage.simulator.account import REJECTED
from brokerage.simulator.listings import Listing
from brokerage.simulator.order_checks import INVALID, validate
from brokerage.simulator.order_terms import good_until, sim_order
from brokerage.simulator.orders import Key, OrderError, SimOrder
from brokerage.simulator.venue_floor import Floor
from brokerage.simulator.venue_records import Records
from brokerage.simulator.venue_terms import resolve
from brokerage.tws.messages import PlaceOrder
from brokerage.tws.objects import changed

# Documented for what cannot be traded; what a real gateway says of an index nobody has published.
NOT_TRADED = "The contract is not available for trading."
CROWDED = "Maximum number of orders working on the same side of a contract is exceeded"


class Checks:
    """Judges what clients send before it becomes an order."""

    def __init__(self, floor: Floor, records: Records) -> None:
        self._floor, self._records = floor, records

    def new(self, key: Key, message: PlaceOrder) -> tuple[SimOrder, Listing]:
        """The order as the exchange takes it; raises ContractError or OrderError."""
        sim, listing = self.terms(key, message)
        validate(sim, listing)
        self._ties(sim)
        self.funds(sim, listing)
        self._crowd(sim)
        return sim, listing

    def terms(self, key: Key, message: PlaceOrder) -> tuple[SimOrder, Listing]:
        """The order translated and no more; raises ContractError, OrderError (412: an index)."""
        listing = resolve(self._floor.listings, message.contract)
        if listing.sec_type == "IND":
            raise OrderError(412, NOT_TRADED)
        account = self._account(message.order.account)
        sim = sim_order(key, message, listing, account, self._floor.clock.time())
        _refuse_attributes(message)
        always_open = self._floor.market.always_open
        sim.good_till = good_until(message.order, sim, listing, always_open=always_open)
        return sim, listing

    def _account(self, name: str) -> str:
        try:
            return self._floor.account(name).name
        except KeyError:
            raise OrderError(321, f"{INVALID}Invalid account code '{name}'") from None

    def funds(self, sim: SimOrder, listing: Listing, filled: float = 0.0) -> None:
        """Raises OrderError 201 when the account may not do what is left of an order.

        A child that closes what its parent opens is not checked.
        """
        if self._records.closes_parent(sim):
            return
        price, power = self._floor.unit_price(sim), self._floor.levers.buying_power
        rest = changed(sim, quantity=sim.quantity - filled) if filled else sim
        if (
            power is not None
            and sim.side == "BUY"
            and price * rest.quantity * listing.units > power
        ):
            words = f"YOUR ORDER IS NOT ACCEPTED. YOUR BUYING POWER IS [{power:.2f} USD]"
            raise OrderError(201, f"{REJECTED}{words}")
        self._floor.account(sim.account).check(rest, price)

    def _crowd(self, sim: SimOrder) -> None:
        most = self._floor.rules.most_active
        if self._floor.book.crowd(sim) >= most:
            raise OrderError(201, f"{REJECTED}{CROWDED}")

    def _ties(self, sim: SimOrder) -> None:
        """Raises OrderError 10006 for a parent that was never seen, 135 for one that has ended."""
        if sim.parent is None:
            return
        parent = self._records.get(sim.parent)
        if parent is None:
            raise OrderError(10006, "Missing parent order.")
        if not parent.sim.working:
            raise OrderError(135, f"Can't find order with id ={sim.parent[1]}")


def _refuse_attributes(message: PlaceOrder) -> None:
    """The vendor's client 9.81 sets two attributes that gateways have long ceased to take."""
    order = message.order
    if order.e_trade_only or order.firm_quote_only:
        name = "EtradeOnly" if order.e_trade_only else "FirmQuoteOnly"
        raise OrderError(10268, f"The '{name}' order attribute is not supported.")
