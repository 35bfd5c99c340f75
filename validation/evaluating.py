"""Look at every standing rule: keep the alerts in step, and trigger the kill switch (SJ-04).

Beat asks each 30 s, and the sweeper each 5 s while a session is under way. The rules about a
connection and about drawdown are judged by the session's watch, which alone can see them. A
simulated gateway trips nothing: the switch is the whole product's.
"""

import shutil
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from brokerage import kill, kill_rules
from brokerage.calendar import ET, days_missing
from brokerage.models import Endpoint, KillSwitch, OrderRecord
from brokerage.terms import PAPER, OrderState
from crucible.alerts.raising import settle
from validation import standing_rules
from validation.configuration import Config, ConfigError, read
from validation.models import ConfigRevision, FaultWindow, LogLine, RevisionState, Session
from validation.models.session import IN_FLIGHT

ACTOR = "rules"
GRAVE = ("ERROR", "CRITICAL")
# What an order was refused for that was too large: for the account, or for its grant.
TOO_LARGE = (
    Q(reason__startswith="RISK_") | Q(reason="PREMIUM")
    | Q(reason__in=["GRANT_CONTRACTS", "GRANT_SHARES", "GRANT_NOTIONAL"])
)  # fmt: skip
# Intents that never went to the gateway.
KEPT_BACK = (OrderState.INTENT, OrderState.REFUSED)


def evaluate() -> None:
    """Judge every rule once, in three or four reads when nothing is wrong."""
    now = timezone.now()
    _disk()
    _gateways(now)
    _orders(now)
    _errors(now)


def under_way() -> bool:
    """Whether a session holds a gateway now."""
    return Session.objects.filter(state__in=IN_FLIGHT).exists()


def check_calendar() -> int:
    """See that the exchange's days are known for 60 days ahead; return how many are not."""
    today = timezone.now().astimezone(ET).date()
    missing = days_missing(today, standing_rules.DAYS_AHEAD)
    settle("calendar", standing_rules.calendar_short(missing))
    return missing


def _disk() -> None:
    free = shutil.disk_usage(settings.VAR_DIR).free / 1e9
    settle("disk", standing_rules.disk_low(free))
    kill.judge(kill_rules.disk_problem(free), kill_rules.DISK_RULE, actor=ACTOR)


def _gateways(now: datetime) -> None:
    """Of a gateway that a session holds the session's watch tells, and knows what was provoked."""
    held = Session.objects.filter(state__in=IN_FLIGHT, endpoint=OuterRef("pk"))
    for endpoint in Endpoint.objects.filter(~Exists(held), is_default=True):
        found = standing_rules.gateway_away(endpoint)
        if found is not None and not endpoint.simulated:
            found = standing_rules.gateway_away(endpoint, _reset_window(now))
        settle("gateway-away", found, ref=endpoint.name)


def _reset_window(now: datetime) -> str:
    """Name the reset window of the configuration in force that lasts now; empty: none."""
    revision = ConfigRevision.objects.filter(state=RevisionState.ACTIVE).first()
    try:
        config = read(revision.content) if revision else Config()
    except ConfigError:
        return ""
    return config.reset_between(now, now)


def _orders(now: datetime) -> None:
    since = now - timedelta(minutes=standing_rules.REJECTION_MINUTES)
    lately = OrderRecord.objects.filter(route=PAPER, created_at__gte=since).exclude(aim="REJECT")
    sent = lately.exclude(state__in=KEPT_BACK)
    rejected = sent.filter(state=OrderState.REJECTED).count()
    settle("rejections", standing_rules.rejections(sent.count(), rejected))
    _violations()


def _violations() -> None:
    running = Session.objects.filter(state__in=IN_FLIGHT, simulated=False)
    for number in running.values_list("number", flat=True):
        refused = OrderRecord.objects.filter(
            TOO_LARGE, scope=number, route=PAPER, state=OrderState.REFUSED
        ).exclude(aim="REJECT")
        problem = kill_rules.violation_problem(number, refused.count())
        kill.judge(problem, kill_rules.VIOLATION_RULE, actor=ACTOR)


def _errors(now: datetime) -> None:
    """Errors from before the switch was armed were looked into by the two who armed it."""
    switch = KillSwitch.objects.filter(pk=KillSwitch.SINGLE).first()
    if switch is None:
        return
    since = max(now - timedelta(minutes=kill_rules.ERROR_MINUTES), switch.since)
    provoked = FaultWindow.objects.filter(
        session=OuterRef("session"), starts_at__lte=OuterRef("at"), ends_at__gte=OuterRef("at")
    )
    lines = LogLine.objects.filter(
        ~Exists(provoked), session__in=_lately(since), at__gte=since, level__in=GRAVE, planned=False
    )
    problem = kill_rules.error_problem(lines.count())
    kill.judge(problem, kill_rules.ERROR_RULE, actor=ACTOR)


def _lately(since: datetime) -> list[int]:
    """The sessions on a broker's gateway that ran since then: no others' lines are read."""
    ran = Q(ended_at=None) | Q(ended_at__gte=since)
    found = Session.objects.filter(ran, simulated=False).exclude(started_at=None)
    return list(found.values_list("pk", flat=True))
