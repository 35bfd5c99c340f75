"""The desk that turns the days: options are settled at the close, books are cut at midnight."""

from brokerage.simulator.holidays import DAY, midnight, new_york_date
from brokerage.simulator.listings import expires
from brokerage.simulator.order_terms import end_of_day
from brokerage.simulator.venue_fills import FillsDesk
from brokerage.simulator.venue_floor import Floor
from brokerage.simulator.venue_positions import PositionsDesk
from brokerage.simulator.venue_records import Records


class DaysDesk:
    """Does what a broker does once a day, at New York's time."""

    def __init__(
        self, floor: Floor, records: Records, fills: FillsDesk, positions: PositionsDesk
    ) -> None:
        self.floor, self._records, self._fills, self._positions = floor, records, fills, positions
        self.day = new_york_date(floor.clock.time())  # whose executions and orders are listed
        self._await_close()
        self._await_midnight()

    def _await_close(self) -> None:
        at = end_of_day(self.floor.clock.time(), always_open=False)
        self.floor.agenda.at(at, self._close)

    def _await_midnight(self) -> None:
        day = new_york_date(self.floor.clock.time())
        self.floor.agenda.at(midnight(day + DAY), self._midnight)

    def _close(self) -> None:
        """The session is over: orders that end with it, then the options that expired."""
        self._await_close()
        self._fills.catch_up_all()
        now = self.floor.clock.time()
        for account in self.floor.opened():
            for held in account.held():
                if expires(self.floor.listing(held.con_id)) <= now:
                    for position in account.settle(held.con_id):
                        self._positions.booked(account.name, position)
                        self._fills.reserve_anew(account.name, position.con_id)

    def _midnight(self) -> None:
        """A new day: profits start from nothing, yesterday's executions and orders are gone."""
        self._await_midnight()
        self._fills.catch_up_all()
        self.day = new_york_date(self.floor.clock.time())
        since, executions = midnight(self.day), self._fills.executions
        executions[:] = [one for one in executions if one.fill.time >= since]
        self.floor.book.forget(self._records.forget(since))
        for account in self.floor.opened():
            account.begin_day()
