"""A bot is watched from outside: its orders, executions, positions, and the data it trades on."""

from brokerage.errors import GatewayError, SafetyViolation
from brokerage.gateway import Contract, Desk, News, Observer, reconcile_observed
from validation.models import SampleKind
from validation.models.watching import Severity
from validation.observation import LONGEST_S, OBSERVATION, SCENARIO, Observation
from validation.scenarios.catalogue import Category, scenario
from validation.scenarios.looks import SHARE, Looks
from validation.scenarios.trial import Trial
from validation.watch import Watch
from validation.watch.conditions import Condition
from validation.watch.liveness import Hours, hours
from validation.watch.observed import unanswered
from validation.watch.reading import Since

# Session seconds: between looks, between samples, before another connection, for the beginning.
LOOK_S, SAMPLE_S, RETRY_S, BEGIN_S = 1.0, 30.0, 5.0, 180.0
# Real seconds: the least time between looks, and that a limit allows.
LEAST_LOOK, LEAST_LIMIT = 0.1, 3.0
MOST_LINES = 5
SLACK_S = 1800.0


@scenario(
    id=SCENARIO,
    slug="observe-bot",
    title="Observation of a bot",
    category=Category.X,
    timeout=LONGEST_S + SLACK_S,
    expected=LONGEST_S,
    severity="S-HIGH",
    own_connection=True,
)
async def observe_bot(trial: Trial) -> None:
    """What a bot did on this account was seen, and executions explain every position.

    Nothing is sent: no order, no cancel. Orders and executions of all clients are asked for each
    second, and the lines of what the bot trades are kept open. At the end the record of its
    executions must agree with the broker's lists and with the positions.
    """
    observation, watch = trial.shared.get(OBSERVATION), trial.shared.get("watch")
    if not isinstance(observation, Observation) or not isinstance(watch, Watch):
        trial.skip("Only an observing session watches a bot: start one.")
        return
    lookout = _Lookout(trial, observation, watch)
    if trial.check("what the account held is on record", True, await lookout.begins()):
        await lookout.watch()
        await lookout.conclude()


class _Lookout:
    """Looks on until the time is over, through losses of the connection; session seconds."""

    def __init__(self, trial: Trial, observation: Observation, watch: Watch) -> None:
        self.trial, self.observation, self.session_watch = trial, observation, watch
        self.clock, self.term = trial.clock, observation.term
        self.began = self.sampled_at = self.clock.elapsed()
        self.looks = Looks(self.began, self.clock.speed)
        self.late, self.ended_by = 0, ""
        self.contracts: dict[int, Contract | None] = {}
        self.wanted: set[int] = set()
        self.since = Since()
        self.last: Observer | None = None

    # -- beginning ----------------------------------------------------------------------------

    async def begins(self) -> bool:
        """Wait until the watch of the session has read what was there before."""
        limit = max(BEGIN_S, LEAST_LIMIT * self.clock.speed)
        while not (begun := await self.observation.begun()):
            if self.clock.elapsed() - self.began > limit or await self._ended():
                break
            await self._breathe()
        self.began = self.sampled_at = self.clock.elapsed()
        self.looks = Looks(self.began, self.clock.speed)
        return begun

    async def _ended(self) -> bool:
        self.ended_by = await self.observation.ended_by()
        return bool(self.ended_by)

    async def _breathe(self) -> None:
        await self.clock.sleep(max(LOOK_S, LEAST_LOOK * self.clock.speed))

    # -- looking on ---------------------------------------------------------------------------

    @property
    def watched(self) -> float:
        """Session seconds since the beginning."""
        return self.clock.elapsed() - self.began

    async def _over(self) -> bool:
        return self.watched >= self.term.seconds or await self._ended()

    async def watch(self) -> None:
        """Look on, and connect again after each loss."""
        while not await self._over():
            try:
                async with self.trial.connect(purpose="observing") as desk:
                    await self._look_on(desk)
            except GatewayError as error:
                self.trial.note(f"Nothing is seen: {error}", "WARNING", source="observer")
                await self.clock.sleep(max(RETRY_S, LEAST_LOOK * self.clock.speed))

    async def _look_on(self, desk: Desk) -> None:
        observer = Observer(desk, self.observation.keep, self.last.since if self.last else None)
        again, self.last = self.last is not None, observer
        while desk.standing and not await self._over():
            await self._look(desk, observer, again=again)
            again = False
            await self._breathe()

    async def _look(self, desk: Desk, observer: Observer, *, again: bool) -> None:
        if desk.proof is None:
            raise SafetyViolation("The gateway names other accounts than it did.")
        await observer.look(whole=again)
        now = self.clock.elapsed()
        self.looks.add(now)
        news = self.observation.drain()
        self._tell(news, again=again)
        await self._follow(desk, news)
        floor = LEAST_LIMIT * self.clock.speed
        found = unanswered(observer.working, self.since, now, floor)
        self.session_watch.judge("observed", list(found))
        if now - self.sampled_at >= SAMPLE_S:
            self.sampled_at = now
            await self._sample(desk)

    def _tell(self, news: list[News], *, again: bool) -> None:
        for one in news:
            self.trial.note(
                one.text, source="observed", event=f"observed.{one.kind.lower()}",
                client_id=one.order.client_id if one.order else None,
            )  # fmt: skip
            if not self.observation.concerns(one.order):
                self._stranger(one)
            if again and one.kind == "EXECUTION":
                self.late += 1
                do = "Nothing: it is on record. A bot that was cut off must ask for it, too."
                text = f"Found on reconnect: {one.text}"
                self.session_watch.once(_warning("fill_found_on_reconnect", one.text, text, do))

    def _stranger(self, one: News) -> None:
        whose = one.order.whose if one.order else "another client"
        text = f"Another client than {self.term.client_id} trades on the account: {whose}."
        do = "Find out who it is: its executions move the same positions."
        self.session_watch.once(_warning("other_client", whose, text, do))

    async def _follow(self, desk: Desk, news: list[News]) -> None:
        """Keep a line open for each contract that the bot trades."""
        bots = (one for one in news if self.observation.concerns(one.order))
        # It stays wanted until it is known: a request may fail, and news come once.
        self.wanted |= {one.con_id for one in bots if one.con_id}
        for con_id in sorted(self.wanted - self.contracts.keys()):
            if len(self.contracts) >= MOST_LINES:
                self.trial.note(f"No line for contract {con_id}: {MOST_LINES} are open.", "WARNING")
                self.contracts[con_id] = None
                continue
            contract = await desk.contract(con_id)
            self.contracts[con_id] = contract
            self.session_watch.follow(contract)

    async def _sample(self, desk: Desk) -> None:
        """Time what can be timed from outside: answers, and the age of the bot's quotes."""
        began = self.clock.wall_ms()
        await desk.server_time()
        answered = self.clock.wall_ms()
        self.trial.sample(SampleKind.CONNECTION, answered - began)
        await desk.open_orders()
        self.trial.sample(SampleKind.ROUND_TRIP, self.clock.wall_ms() - answered)
        if hours(desk.now(), always_open=self.trial.target.always_open) is not Hours.REGULAR:
            return
        for contract in filter(None, self.contracts.values()):
            quote = await desk.quote(contract)
            if quote.quality == "OK":
                self.trial.sample(SampleKind.QUOTE_AGE, quote.age(desk.now()) * 1000)

    # -- the end ------------------------------------------------------------------------------

    async def conclude(self) -> None:
        """Look a last time on a fresh connection, compare, and say what was seen."""
        trial = self.trial
        self._account()
        await self._compare()
        trial.check("orders of this session", 0, await self.observation.own_orders())
        trial.check("connection losses", 0, len(trial.losses), required=False)
        trial.check("fills found on reconnect only", 0, self.late, required=False)
        trial.measure("observed", self.looks.seen, "s")
        trial.measure("looks", self.looks.count)
        trial.measure("longest_gap_between_looks", self.looks.longest, "s")
        for contract in filter(None, self.contracts.values()):
            line = self.session_watch.lines[contract.label]
            if (rate := line.rate(self.session_watch.clock.elapsed())) is not None:
                trial.measure("ticks", rate, "per minute")

    def _account(self) -> None:
        """Hold what was really looked at against what was asked for, or lasted until the end."""
        looks, lasted = self.looks, self.watched
        looks.end(self.began + lasted)
        asked = min(lasted, self.term.seconds) if self.ended_by else self.term.seconds
        words = f"{looks.seen:.0f} of {lasted:.0f} s"
        if self.ended_by:
            words = f"{words}, ended by {self.ended_by}"
        limit = f">= {SHARE:.0%} of {asked:.0f} s"
        self.trial.check("observed", limit, words, passed=looks.enough(asked))
        self.trial.check(
            "longest time without a look", f"<= {looks.limit:g} s", f"{looks.longest:.0f} s",
            passed=looks.longest <= looks.limit,
        )  # fmt: skip

    async def _compare(self) -> None:
        scope, name = self.observation.lease.number, "executions explain positions and orders"
        try:
            async with self.trial.connect(purpose="the last comparison") as desk:
                await Observer(desk, self.observation.keep).look(whole=True)
                found = await reconcile_observed(desk, scope, "END", keep=self.observation.keep)
        except GatewayError as error:
            self.trial.check(name, "CLEAN", f"not known: {error}", passed=False)
            return
        self._tell(self.observation.drain(), again=False)
        self.trial.check(name, "CLEAN", found.words, passed=found.clean)


def _warning(kind: str, subject: str, text: str, do: str) -> Condition:
    return Condition(kind, subject, Severity.WARNING, text, do)
