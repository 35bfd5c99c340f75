"""Make a session's preflight under its lease: look, judge, store, and let the session move on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.utils import timezone

from brokerage.calendar import ET
from brokerage.models import KillSwitch
from brokerage.terms import Target
from crucible.ledger.record import record
from crucible.live.publish import publish
from validation import bookkeeping, sessions
from validation.configuration import ConfigError, read
from validation.findings import TWO_HOURS
from validation.involvement import involve
from validation.lease import Lease, guarded
from validation.models import (
    AttemptState,
    BotConfig,
    EventDay,
    HealthAttestation,
    HealthCheck,
    PreflightRun,
    Session,
    SessionState,
    Upload,
)
from validation.preflight import bot_rules, gateway_rules, host_rules
from validation.preflight.judging import Judgement, judge
from validation.preflight.looking import look
from validation.preflight.situation import Bot, GatewayLook, HostLook, Plan, Situation
from validation.preflight.surroundings import look_around
from validation.route import route
from validation.scenarios import catalogue
from validation.scenarios.catalogue import MARKET_HOURS, ORDERS
from validation.verdicts import Stop

# The modules whose rules fill the table.
RULES = (bot_rules, gateway_rules, host_rules)
S = SessionState


@dataclass(frozen=True)
class Question:
    """What a session's preflight asks about."""

    target: Target
    plan: Plan
    foreground: bool
    began_at: datetime


async def prepare(lease: Lease) -> bool:
    """Make the preflight that the claimed session still needs; return whether it runs now.

    Raises StaleToken.
    """
    question = await sync_to_async(_question)(lease)
    if question is None:
        return True
    seen = await look(question.target)
    around = await sync_to_async(look_around)(foreground=question.foreground)
    return await sync_to_async(_conclude)(lease, question, seen, around)


def _question(lease: Lease) -> Question | None:
    """Return what to look at; None when the session runs already."""
    related = Session.objects.select_related("endpoint", "config")
    session = related.get(pk=lease.session_id)
    if session.state not in {S.PREFLIGHT, S.PAUSED}:
        return None
    foreground = lease.owner.startswith("foreground@")
    return Question(route(session), plan_of(session), foreground, timezone.now())


def plan_of(session: Session) -> Plan:
    """Return what a preflight must know of the session and of the product."""
    endpoint, switch = session.endpoint, KillSwitch.objects.filter(pk=KillSwitch.SINGLE).first()
    pending = list(session.attempts.filter(state=AttemptState.PENDING))
    needs = {need for one in pending for need in catalogue.load().get(one.scenario).needs}
    now = timezone.now()
    return Plan(
        now=now, full=session.approvable, simulated=endpoint.simulated,
        always_open=endpoint.always_open, speed=endpoint.speed, host=endpoint.host,
        port=endpoint.port, two_hours=any(one.scenario == TWO_HOURS for one in pending),
        wants_hours=MARKET_HOURS in needs, wants_orders=ORDERS in needs,
        config_number=session.config.number, expected_account=route(session).expected_account,
        code_version=session.code_version,
        kill_state=switch.state if switch else "UNKNOWN",
        kill_reason=switch.reason if switch else "its row is missing",
        observes=session.observes, observe_s=session.observe_s or 0.0,
        bot=_bot(), events=EventDay.on(now.astimezone(ET).date()),
        attested=_attested(session), **_configuration(session), **upload_of(session),
    )  # fmt: skip


def _configuration(session: Session) -> dict[str, Any]:
    try:
        return {"config": read(session.config.content)}
    except ConfigError as error:
        return {"config_error": str(error)[:400]}


def upload_of(session: Session) -> dict[str, Any]:
    """Return what the newest test report of the version says; empty without one."""
    found = Upload.objects.filter(commit=session.code_version, kind="TESTS").first()
    if found is None:
        return {}
    bad = found.failures + found.errors
    text = f"Report {found.pk}: {found.tests} tests, {bad} not passed."
    return {"upload_green": found.green, "upload_text": text}


def _bot() -> Bot | None:
    found = BotConfig.newest()
    return None if found is None else Bot(found.pk, found.sha256, found.values)


def _attested(session: Session) -> dict[str, str]:
    said = HealthAttestation.objects.filter(session=session).select_related("by")
    return {one.code: f"{one.by.get_username()}: {one.text}" for one in said}


def _conclude(lease: Lease, question: Question, seen: GatewayLook, around: HostLook) -> bool:
    """Store the findings and move the session; return whether it runs now."""
    found = judge(Situation(question.plan, seen, around))
    with guarded(lease) as session:
        run = store(session, found, question.began_at)
        if question.plan.bot is not None:
            _note_uploader(session, question.plan.bot)
        # What came meanwhile: an abort, the kill switch, another gateway in its place.
        stop = _unsafe(seen) or bookkeeping.look_outside(lease)
        if stop is not None:
            sessions.end(session, stop, actor=stop.actor)
            return False
        if not run.passed:
            bookkeeping.hand_back(session, _words(found))
            return False
        return bookkeeping.admit(session)


def _note_uploader(session: Session, bot: Bot) -> None:
    """Whoever brought evidence of a session can't sign it."""
    row = BotConfig.objects.select_related("uploaded_by").get(pk=bot.number)
    involve(session, row.uploaded_by, "uploaded the bot's configuration")


def store(session: Session, found: list[Judgement], began_at: datetime) -> PreflightRun:
    """Keep the findings of one preflight of a locked session, with their entry in the ledger."""
    held_up = [one for one in found if one.holds_up]
    number = PreflightRun.objects.filter(session=session).count() + 1
    run = PreflightRun.objects.create(
        session=session, number=number, began_at=began_at, passed=not held_up
    )
    HealthCheck.objects.bulk_create(
        HealthCheck(
            run=run, position=position, code=one.code, group=one.group, title=one.title,
            limit=one.limit, finding=one.finding, verdict=one.verdict, holds_up=one.holds_up,
            remedy=one.remedy,
        )
        for position, one in enumerate(found, start=1)
    )  # fmt: skip
    sessions.assign(session, checked_at=run.ended_at)
    record(
        "session.checked", "session", session.number, actor="worker", preflight=number,
        passed=run.passed, verdicts={one.code: one.verdict for one in found},
    )  # fmt: skip
    publish("dashboard", sessions.topic(session))
    return run


def _unsafe(seen: GatewayLook) -> Stop | None:
    if not seen.unsafe:
        return None
    do = "Trade nothing. Find out which account the gateway is logged in to."
    return Stop(S.HALTED, f"Safety violation in the preflight: {seen.unsafe}", do)


def _words(found: list[Judgement]) -> str:
    return " ".join(f"{one.code} {one.title}: {one.finding}" for one in found if one.holds_up)
