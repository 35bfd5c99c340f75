"""The one door that every order passes: paper proof, kill switch, grant, limits, fresh quote."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import Q

from brokerage.bounds import QUOTE_LIVES_SECONDS
from brokerage.calendar import CalendarNotCoveredError, is_regular_hours
from brokerage.clock import SessionClock
from brokerage.errors import GatewayError, OrderRefused, SafetyViolation
from brokerage.limits import (
    Held,
    closes_own,
    doubled_problem,
    ended_so_far,
    grant_problem,
    holdings_of,
    trade_problem,
)
from brokerage.models import KillSwitch, OrderGrant, OrderRecord, ReconciliationDiff
from brokerage.terms import (
    DATA_TYPES,
    LIVE_DATA,
    LIVE_PORTS,
    PAPER,
    PAPER_ACCOUNT,
    PAPER_PORTS,
    SIMULATED,
    Contract,
    Intent,
    OrderState,
    PaperProof,
    Position,
    Quote,
    Summary,
    Target,
    usable,
)

PROOF_LIVES_SECONDS = 60.0
QUOTE_AHEAD_SECONDS = 1.0
_SEAL = object()


# -- paper or not -------------------------------------------------------------------------------


def is_paper(account: str) -> bool:
    """Say whether an account id is one of a paper account (DU…, DF…); all else counts as live."""
    return PAPER_ACCOUNT.fullmatch(account) is not None


def account_problem(accounts: Iterable[str], expected: str = "") -> str:
    """Return why these accounts do not prove paper, or nothing when they do.

    An expected account must be the only one (C-04): a login that shows further accounts could
    trade those as well.
    """
    accounts = list(accounts)
    if not accounts:
        return "The gateway named no account."
    if live := [account for account in accounts if not is_paper(account)]:
        return f"Account {', '.join(live)} is not a paper account."
    if expected and expected not in accounts:
        return f"The expected account {expected} is not among {', '.join(accounts)}."
    if expected and (others := [account for account in accounts if account != expected]):
        return f"Besides the expected account {expected} the login shows {', '.join(others)}."
    return ""


def refuse_live_port(target: Target) -> None:
    """Raise SafetyViolation, before any socket opens, unless port and kind can be paper."""
    what = f"{target.address} is refused."
    if target.port in LIVE_PORTS:
        raise SafetyViolation(what, f"Port {target.port} is a live-trading port.")
    if target.kind not in {SIMULATED, PAPER}:
        raise SafetyViolation(what, f"There is no route of kind {target.kind!r}.")
    if target.kind == PAPER and target.port not in PAPER_PORTS:
        raise SafetyViolation(what, "A paper gateway listens on 4002 or 7497.")


def refuse_other_kind(target: Target, *, simulated: bool) -> None:
    """Raise SafetyViolation unless what answers is of the kind that the target says.

    `simulated` is whether it has shown the simulated gateway's mark. What it has not shown it may
    be a broker's, whatever somebody has set up; what has shown it is never evidence of a broker.
    """
    what = f"{target.address} was disconnected at once."
    if simulated and target.kind != SIMULATED:
        raise SafetyViolation(
            what,
            "It is set up as a broker's paper gateway, but what answers is the simulated gateway.",
            "Set the endpoint up as simulated, or start the broker's gateway there.",
        )
    if target.kind == SIMULATED and not simulated:
        raise SafetyViolation(
            what,
            "It is set up as a simulated gateway, but what answers does not show the simulated"
            " gateway's mark: it may be a broker's.",
            "Set the endpoint up as a paper gateway, or start the simulated gateway there.",
        )


# -- quotes -------------------------------------------------------------------------------------


def quote_problem(
    quote: Quote | None,
    now: datetime,
    lives: float = QUOTE_LIVES_SECONDS,
    ahead: float = QUOTE_AHEAD_SECONDS,
) -> OrderRefused | None:
    """Return why no decision may rest on this quote at `now` (gateway time), if it may not.

    A quote that is exactly `lives` seconds old is stale; one that is more than `ahead` seconds
    ahead of the clock proves that one of the two clocks is wrong.
    """
    if quote is None:
        return OrderRefused("STALE_QUOTE", "There is no quote of this contract.")
    if quote.quality != "OK":
        text = f"The quote is {quote.quality.lower()}: bid {quote.bid:g}, ask {quote.ask:g}."
        return OrderRefused("INCOMPLETE_QUOTE", text)
    if quote.data_type != LIVE_DATA:
        kind = DATA_TYPES.get(quote.data_type, f"of type {quote.data_type}")
        return OrderRefused("NOT_LIVE", f"The quote is not live but {kind}.")
    age = quote.age(now)
    if age < -ahead:
        text = f"The quote is {-age:.1f} s ahead of the clock: check its synchronisation (NTP)."
        return OrderRefused("FUTURE_QUOTE", text)
    if not age < lives:
        return OrderRefused("STALE_QUOTE", f"The quote is {age:.1f} s old.")
    return None


# -- the door -----------------------------------------------------------------------------------

_fence: ContextVar[Callable[[], object]] = ContextVar("fence", default=lambda: None)


@contextmanager
def fenced(still_ours: Callable[[], object]) -> Iterator[None]:
    """Ask `still_ours` for every order inside the block, clean-up included.

    It is called in the transaction that writes the order down before it is sent, and raises
    OrderRefused once somebody else has taken the work over.
    """
    token = _fence.set(still_ours)
    try:
        yield
    finally:
        _fence.reset(token)


class Permit:
    """Leave for one order, handed out by the door alone; without it nothing can be sent.

    `price` is the dearest price the order may pay, as far as the door looked; `holding` is what
    a reduce-only order may reduce.
    """

    def __init__(
        self, intent: Intent, seal: object, price: float = 0.0, holding: Held | None = None
    ) -> None:
        if seal is not _SEAL:
            raise TypeError("only the door gives permits")
        self._intent: Intent | None = intent
        self.price, self.holding = price, holding

    def spend(self) -> Intent:
        """Return the order it is for, once; raises OrderRefused when it was used before."""
        intent, self._intent = self._intent, None
        if intent is None:
            raise OrderRefused("PERMIT_SPENT", "This permit has let its order out already.")
        return intent


class DeskFacts(Protocol):
    """What the door asks of a desk."""

    target: Target
    readonly: bool
    last_quotes: dict[int, Quote]

    @property
    def proof(self) -> PaperProof | None: ...
    @property
    def connected(self) -> bool: ...
    def now(self) -> datetime: ...
    async def contract(self, con_id: int) -> Contract: ...
    async def quote(self, contract: Contract, limit: float = 15.0) -> Quote: ...
    async def positions(self) -> list[Position]: ...
    async def account_summary(self) -> Summary: ...


class Door:
    """Lets orders of one grant out; without a grant only reduce-only clean-up passes.

    With a grant clean-up does not: a scenario can't get past grant and kill switch by that word.
    """

    def __init__(self, grant_id: int | None, clock: SessionClock) -> None:
        self.grant_id, self.clock = grant_id, clock

    async def check(self, intent: Intent, desk: DeskFacts) -> Permit:
        """Return a permit, or raise OrderRefused with the first reason against the order.

        What the database says is read again by `admit`, in the transaction before sending.
        """
        check_connection(desk)
        check_shape(intent)
        if intent.purpose == "CLEANUP":
            if self.grant_id is not None:
                raise OrderRefused("GRANT_CLEANUP", "An order grant lets no clean-up out.")
            return Permit(intent, _SEAL, holding=await self._check_reduces(intent, desk))
        endpoint_id = desk.target.endpoint_id
        await sync_to_async(self.admit)(intent, 0.0, endpoint_id)
        await _check_contract(intent.contract, desk)
        if problem := hours_problem(desk.target, desk.now()):
            raise problem
        price = await self._price(intent, desk)
        await sync_to_async(self.admit)(intent, price, endpoint_id)
        await self._check_limits(intent, price, desk)
        return Permit(intent, _SEAL, price)

    def admit(
        self,
        intent: Intent,
        price: float,
        endpoint_id: int | None,
        holding: Held | None = None,
    ) -> OrderGrant | None:
        """Read fence, kill switch and grant from the database now, in a transaction.

        `endpoint_id` is where the order is to go; None is a private simulated gateway. Raises
        OrderRefused; DATABASE when they can't be read. Reduce-only clean-up needs no grant.
        """
        try:
            with transaction.atomic():
                _fence.get()()
                if intent.purpose == "CLEANUP":
                    if holding and (problem := doubled_problem(intent, holding, endpoint_id)):
                        raise problem
                    return None
                return self._admit(intent, price, endpoint_id)
        except (DatabaseError, InterfaceError) as error:
            raise OrderRefused("DATABASE", "The kill switch can't be read.") from error

    def _admit(self, intent: Intent, price: float, endpoint_id: int | None) -> OrderGrant:
        if not KillSwitch.permits():
            raise OrderRefused("KILL_SWITCH", "The kill switch is not armed.")
        if self.grant_id is None:
            raise OrderRefused("NO_GRANT", "There is no order grant.")
        grant = OrderGrant.objects.select_for_update().filter(pk=self.grant_id).first()
        if grant is None:
            raise OrderRefused("NO_GRANT", f"There is no order grant {self.grant_id}.")
        if grant.endpoint_id != endpoint_id:
            text = f"The order grant of {grant.scope} is for another gateway."
            raise OrderRefused("GRANT_ENDPOINT", text)
        holdings = holdings_of(grant.scope, besides=intent.key)
        if problem := grant_problem(grant, intent, price, holdings):
            raise problem
        if not closes_own(intent, holdings):
            refuse_unreconciled(grant)
        return grant

    async def _price(self, intent: Intent, desk: DeskFacts) -> float:
        """Return the dearest price the order may pay, from a quote that is fresh."""
        quote, lives = desk.last_quotes.get(intent.contract.con_id), desk.target.bounds.quote_lives
        if quote is None or not quote.age(desk.now()) < lives:
            try:
                quote = await desk.quote(intent.contract)
            except GatewayError as error:
                raise OrderRefused("STALE_QUOTE", f"No fresh quote: {error}") from error
        ahead = QUOTE_AHEAD_SECONDS + self.clock.doubt
        if problem := quote_problem(quote, desk.now(), lives, ahead):
            raise problem
        limit = intent.limit_price if intent.order_type == "LMT" else 0.0
        return max(limit, quote.ask) if intent.side == "BUY" else quote.ask

    async def _check_limits(self, intent: Intent, price: float, desk: DeskFacts) -> None:
        try:
            summary, positions = await desk.account_summary(), await desk.positions()
        except GatewayError as error:
            raise OrderRefused("LIMITS", f"The limits can't be checked: {error}") from error
        if _reduces(intent, positions):
            return
        equity = summary.values.get("NetLiquidation", 0.0)
        if problem := trade_problem(intent, price, equity, positions, desk.target.bounds):
            raise problem

    async def _check_reduces(self, intent: Intent, desk: DeskFacts) -> Held:
        """Return what is held, with the clean-up orders that it has seen the end of."""
        if not intent.reduce_only:
            raise OrderRefused("REDUCE_ONLY", "Clean-up orders only reduce positions.")
        try:
            before = await sync_to_async(ended_so_far)(intent, desk.target.endpoint_id)
            positions = await desk.positions()
        except (DatabaseError, InterfaceError) as error:
            raise OrderRefused("DATABASE", "The clean-up orders can't be read.") from error
        except GatewayError as error:
            raise OrderRefused("REDUCE_ONLY", f"The position can't be read: {error}") from error
        if not _reduces(intent, positions):
            raise OrderRefused("REDUCE_ONLY", "The order is larger than the open position.")
        return replace(before, quantity=_held_against(intent, positions))


async def _check_contract(wanted: Contract, desk: DeskFacts) -> None:
    """Raise OrderRefused unless the gateway tells the same of the id: orders are sent by it.

    Symbol, kind and multiplier are what the grant's limits are judged by.
    """
    try:
        told = await desk.contract(wanted.con_id)
    except GatewayError as error:
        raise OrderRefused("CONTRACT", f"The contract can't be looked up: {error}") from error
    if _terms_of(wanted) != _terms_of(told):
        text = f"{_words(wanted)} is ordered by the id {wanted.con_id} of {_words(told)}."
        raise OrderRefused("CONTRACT", text)


def _terms_of(contract: Contract) -> tuple[object, ...]:
    return contract.symbol, contract.sec_type, contract.multiplier, contract.currency


def _words(contract: Contract) -> str:
    symbol, kind, multiplier, currency = _terms_of(contract)
    return f"{kind} {symbol} × {multiplier} {currency}"


def hours_problem(target: Target, now: datetime) -> OrderRefused | None:
    """Return why no order may open a position at `now` (gateway time) for the hours, if so."""
    try:
        is_open = target.always_open or is_regular_hours(now)
    except CalendarNotCoveredError as error:
        return OrderRefused("HOURS", str(error))
    text = "The market is closed; orders wait for regular hours."
    return None if is_open else OrderRefused("HOURS", text)


def refuse_unreconciled(grant: OrderGrant) -> None:
    """Raise OrderRefused while own record and broker differ, or an own order's fate is unknown."""
    if diff := ReconciliationDiff.unexplained(grant.endpoint_id).first():
        raise OrderRefused("RECONCILIATION", f"An unexplained difference is open: {diff}.")
    there = OrderRecord.objects.filter(Q(endpoint_id=grant.endpoint_id), scope=grant.scope)
    lost = there.filter(state=OrderState.UNKNOWN).first()
    if lost is not None:
        text = f"The fate of order {lost.order_id} ({lost}) is unknown: reconcile first."
        raise OrderRefused("UNSETTLED", text)


def check_connection(desk: DeskFacts) -> None:
    """Raise OrderRefused unless this desk is read-write, connected, and freshly proved paper."""
    if desk.readonly:
        raise OrderRefused("READ_ONLY", "This connection was opened for reading only.")
    if not desk.connected:
        raise OrderRefused("CONNECTION", "The gateway is not connected.")
    if desk.proof is None:
        raise OrderRefused("PROOF_MISSING", "The account was not proved to be a paper account.")
    if time.monotonic() - desk.proof.at > PROOF_LIVES_SECONDS:
        raise OrderRefused("PROOF_STALE", "The paper proof is older than 60 s.")
    if problem := account_problem(desk.proof.accounts, desk.target.expected_account):
        raise OrderRefused("NOT_PAPER", problem)


def permit_what_if(intent: Intent, desk: DeskFacts) -> Permit:
    """Return a permit to ask what an order would do, which places nothing; raises OrderRefused."""
    check_connection(desk)
    check_shape(intent)
    return Permit(intent, _SEAL)


def check_shape(intent: Intent) -> None:
    """Raise OrderRefused unless quantity and limit are numbers that can be ordered."""
    if not (math.isfinite(intent.quantity) and intent.quantity > 0):
        raise OrderRefused("INVALID", f"A quantity of {intent.quantity} can't be ordered.")
    if intent.order_type == "LMT" and not usable(intent.limit_price):
        raise OrderRefused("INVALID", f"A limit of {intent.limit_price} is no price.")


def _reduces(intent: Intent, positions: Iterable[Position]) -> bool:
    return intent.quantity <= _held_against(intent, positions)


def _held_against(intent: Intent, positions: Iterable[Position]) -> float:
    """What the order could close: the long position for a sale, the short one for a purchase."""
    held = sum(p.quantity for p in positions if p.con_id == intent.contract.con_id)
    return held if intent.side == "SELL" else -held
