"""The desk that knows the accounts' values, pushed when they change and every three minutes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from brokerage.simulator.account_values import AccountValue, ledger, values
from brokerage.simulator.holidays import ET
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_positions import PositionsDesk, Shown
from brokerage.simulator.venue_terms import wire_contract
from brokerage.tws import messages as tws

MOST_SUMMARIES = 2
SOON = 0.5  # simulated seconds between a fill and the values that it changed, sent together
EVERY = 180.0  # simulated seconds between updates that nothing else causes
LEDGER = "$LEDGER"
REPLACED = (
    2100,
    "New account data requested from TWS. API client has been unsubscribed from account data.",
)


@dataclass
class Told:
    """What a subscriber knows: only what differs from it is sent again."""

    account: str = ""
    tags: str = ""
    known: dict[object, object] = field(default_factory=dict)

    def news(self, entries: Iterable[tuple[object, Any]]) -> Iterator[Any]:
        """Those of the keyed values that the subscriber does not know yet."""
        for key, value in entries:
            if self.known.get(key) != value:
                self.known[key] = value
                yield value


class AccountsDesk:
    """Answers what the accounts are worth, and keeps subscribers up to date."""

    def __init__(self, floor: Floor, positions: PositionsDesk) -> None:
        self.floor, self._positions = floor, positions
        positions.changed = self.changed
        self._updates: dict[Session, Told] = {}
        self._multi: dict[tuple[Session, int], Told] = {}
        self._summaries: dict[tuple[Session, int], Told] = {}
        self._due: dict[str, None] = {}  # accounts whose changes are about to be told
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            tws.ReqAccountUpdates: self.updates,
            tws.ReqAccountUpdatesMulti: self.multi,
            tws.CancelAccountUpdatesMulti: self.cancel_multi,
            tws.ReqAccountSummary: self.summary,
            tws.CancelAccountSummary: self.cancel_summary,
        }
        floor.agenda.later(EVERY, self._beat)

    def updates(self, session: Session, message: tws.ReqAccountUpdates) -> None:
        """Values and portfolio of an account, then the end; changes follow."""
        if not message.subscribe:
            self._updates.pop(session, None)
            return
        name = self._known(session, message.account)
        if not name:
            return
        before = self._updates.get(session)
        if before is not None and before.account != name:
            session.error(*REPLACED)
        self._updates[session] = Told(name)
        self._send_updates(session, self._updates[session])
        session.send(tws.AccountDownloadEnd(name))

    def multi(self, session: Session, message: tws.ReqAccountUpdatesMulti) -> None:
        """Values of an account under a request id, then the end; changes follow."""
        name = self._known(session, message.account, message.req_id)
        if name:
            told = self._multi[session, message.req_id] = Told(name)
            self._send_multi(session, message.req_id, told)
            session.send(tws.AccountUpdateMultiEnd(message.req_id))

    def cancel_multi(self, session: Session, message: tws.CancelAccountUpdatesMulti) -> None:
        """No more of them."""
        self._multi.pop((session, message.req_id), None)

    def summary(self, session: Session, message: tws.ReqAccountSummary) -> None:
        """The wanted tags of all accounts, then the end; changes follow; a third is refused."""
        mine = [key for key in self._summaries if key[0] is session]
        if len(mine) >= MOST_SUMMARIES and (session, message.req_id) not in mine:
            text = "Maximum number of account summary requests exceeded"
            session.error(322, f"Error processing request.-'bR' : cause - {text}", message.req_id)
            return
        told = self._summaries[session, message.req_id] = Told(tags=message.tags)
        self._send_summary(session, message.req_id, told)
        session.send(tws.AccountSummaryEnd(message.req_id))

    def cancel_summary(self, session: Session, message: tws.CancelAccountSummary) -> None:
        """No more summary."""
        self._summaries.pop((session, message.req_id), None)

    def changed(self, account: str) -> None:
        """Tell everybody who subscribed to this account, soon, and once for several changes."""
        if account not in self._due:
            self._due[account] = None
            self.floor.agenda.later(SOON, lambda: self._push(account))

    def _push(self, account: str) -> None:
        self._due.pop(account, None)
        for session, told in self._updates.items():
            if told.account == account:
                self._send_updates(session, told)
        for (session, req_id), told in self._multi.items():
            if told.account == account:
                self._send_multi(session, req_id, told)
        for (session, req_id), told in self._summaries.items():
            self._send_summary(session, req_id, told)

    def _beat(self) -> None:
        for account in self.floor.names():
            self._push(account)
        self.floor.agenda.later(EVERY, self._beat)

    def _known(self, session: Session, name: str, req_id: int = -1) -> str:
        """The account's name, the first one for none; empty after refusing an unknown one."""
        if not name or name in self.floor.names():
            return name or self.floor.names()[0]
        text = f"Error validating request.-'bF' : cause - Invalid account code '{name}'"
        session.error(321, text, req_id)
        return ""

    def _send_updates(self, session: Session, told: Told) -> None:
        name = told.account
        for row in told.news(_keyed(self._rows(name))):
            session.send(tws.AccountValue(row.tag, row.value, row.currency, name))
        held = {shown.con_id: shown for shown in self._positions.held(name)}
        for value in told.known.values():
            if isinstance(value, tws.PortfolioValue):  # what has been sold is told once more
                held.setdefault(value.contract.con_id, Shown(value.contract.con_id))
        items = [(con_id, self._portfolio(name, shown)) for con_id, shown in held.items()]
        for value in told.news(items):
            session.send(value)
        now = self.floor.clock.now().astimezone(ET)
        session.send(tws.AccountUpdateTime(f"{now:%H:%M}"))

    def _send_multi(self, session: Session, req_id: int, told: Told) -> None:
        name = told.account
        for row in told.news(_keyed(self._rows(name))):
            session.send(tws.AccountUpdateMulti(req_id, name, "", row.tag, row.value, row.currency))

    def _send_summary(self, session: Session, req_id: int, told: Told) -> None:
        wanted = [tag.strip() for tag in told.tags.split(",")]
        for name in self.floor.names():
            for row in told.news(_keyed(self._chosen(name, wanted), name)):
                session.send(tws.AccountSummary(req_id, name, row.tag, row.value, row.currency))

    def _chosen(self, name: str, wanted: list[str]) -> list[AccountValue]:
        rows = [row for row in self._values(name) if row.tag in wanted]
        if any(tag.startswith(LEDGER) for tag in wanted):
            rows += ledger(self.floor.account(name))
        return rows

    def _rows(self, name: str) -> list[AccountValue]:
        code = AccountValue("AccountCode", name, "")
        ready = AccountValue("AccountReady", "true", "")
        return [code, ready, *self._values(name), *ledger(self.floor.account(name))]

    def _values(self, name: str) -> list[AccountValue]:
        """The account's values, as a fault may distort them."""
        levers = self.floor.levers
        wrong = {"NetLiquidation": levers.net_liquidation, "BuyingPower": levers.buying_power}
        return [
            row if wrong.get(row.tag) is None else replace(row, value=f"{wrong[row.tag]:.2f}")
            for row in values(self.floor.account(name))
        ]

    def _portfolio(self, name: str, shown: Shown) -> tws.PortfolioValue:
        listing, account = self.floor.listing(shown.con_id), self.floor.account(name)
        price = self.floor.market.price(shown.con_id)
        value = shown.quantity * price * listing.units
        held = account.positions.get(shown.con_id)
        closed = held.realized if held else 0.0
        return tws.PortfolioValue(
            contract=wire_contract(listing),
            position=shown.quantity,
            market_price=round(price, 4),
            market_value=round(value, 2),
            average_cost=round(shown.avg_cost, 6),
            unrealized=round(value - shown.quantity * shown.avg_cost, 2),
            realized=round(closed, 2),
            account=name,
        )

    def leave(self, session: Session) -> None:
        """Forget a client."""
        self._updates.pop(session, None)
        self._multi = {key: one for key, one in self._multi.items() if key[0] is not session}
        self._summaries = {
            key: one for key, one in self._summaries.items() if key[0] is not session
        }


def _keyed(
    rows: Iterable[AccountValue], account: str = ""
) -> Iterator[tuple[object, AccountValue]]:
    return (((account, row.tag, row.currency), row) for row in rows)
