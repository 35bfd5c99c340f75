"""What an observing session goes by: how long, whom, where its record is kept, who ends it."""

from collections import deque
from dataclasses import dataclass, field

from asgiref.sync import sync_to_async

from brokerage import observing, reconciliation
from brokerage.gateway import Look, News, Target
from brokerage.models import ObservedOrder, OrderRecord
from validation.lease import Lease, guarded
from validation.models import Session, SessionKind
from validation.route import route

# Where the scenario finds it among what its session shares, and which scenario that is.
OBSERVATION = "observation"
SCENARIO = "X-15"
# Session seconds: a trading day and what comes before and after it.
SHORTEST_S, LONGEST_S, USUAL_S = 10.0, 28_800.0, 3_600.0
HIGHEST_CLIENT = 2**31 - 1


@dataclass(frozen=True)
class Term:
    """What somebody wants observed: session seconds, and one client id or all others' (None)."""

    seconds: float = USUAL_S
    client_id: int | None = None

    @property
    def problem(self) -> str:
        """Why it can't be observed, or nothing."""
        if not SHORTEST_S <= self.seconds <= LONGEST_S:
            return f"Observe for {SHORTEST_S:g} to {LONGEST_S:g} seconds."
        if self.client_id is not None and not 0 <= self.client_id <= HIGHEST_CLIENT:
            return f"A client id is a number from 0 to {HIGHEST_CLIENT}."
        return ""


@dataclass
class Observation:
    """The record of one observing session, written under its lease alone."""

    lease: Lease
    target: Target
    term: Term
    _news: deque[News] = field(default_factory=deque)

    async def keep(self, look: Look) -> list[News]:
        """Write down what a look adds; raises StaleToken when the lease is gone."""
        news = await sync_to_async(self._keep)(look)
        self._news.extend(news)
        return news

    def _keep(self, look: Look) -> list[News]:
        with guarded(self.lease):
            return observing.keep(self.lease.number, self.target.endpoint_id, look)

    def drain(self) -> list[News]:
        """Return what has been written since the last call, whoever looked."""
        news = list(self._news)
        self._news.clear()
        return news

    def concerns(self, order: ObservedOrder | None) -> bool:
        """Say whether an order is of whom is observed; one of unknown origin may be."""
        wanted = self.term.client_id
        return order is None or wanted is None or order.client_id in {wanted, None}

    async def begun(self) -> bool:
        """Say whether what the account held before is on record."""
        base = await sync_to_async(reconciliation.baseline)(self.target, self.lease.number)
        return base is not None

    async def ended_by(self) -> str:
        """Return who has asked for the end, or nothing."""
        asked = Session.objects.filter(pk=self.lease.session_id)
        name = await asked.values_list("finish_requested_by__username", flat=True).afirst()
        return name or ""

    async def own_orders(self) -> int:
        """Count the orders on record of this session itself: there must be none."""
        return await OrderRecord.objects.filter(scope=self.lease.number).acount()


def observation_of(session: Session, lease: Lease) -> Observation | None:
    """Return what the session observes; None for one that does not."""
    if not session.observes:
        return None
    return Observation(lease, route(session), term_of(session))


def asked(kind: str | None, seconds: float | None, client_id: int | None) -> Term | None:
    """Return the term that a form asks for; None where it asks for another kind of session."""
    if kind != SessionKind.OBSERVE:
        return None
    return Term(USUAL_S if seconds is None else seconds, client_id)


def term_of(session: Session) -> Term:
    """Return the term of an observing session."""
    return Term(session.observe_s or USUAL_S, session.observed_client)
