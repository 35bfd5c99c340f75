"""Bring the weekly option expiry up to date, verified in the broker's option chain."""

from dataclasses import dataclass
from datetime import date

from asgiref.sync import async_to_sync
from django.utils import timezone

from brokerage import gateway
from brokerage.calendar import ET
from brokerage.errors import PortError
from brokerage.models import Endpoint
from brokerage.rollover import Expiry, propose
from brokerage.terms import Target
from crucible.alerts.raising import raise_alert
from validation import revisions
from validation.configuration import WeeklyCall, read
from validation.models import ConfigRevision
from validation.route import held_to


@dataclass(frozen=True)
class Rolled:
    """What came of it: a sentence, the revision if one was made, and whether all is well."""

    text: str
    ok: bool
    revision: ConfigRevision | None = None


def roll(endpoint: Endpoint | None = None, today: date | None = None) -> Rolled:
    """Compute the expiry for `today` (New York), verify it, and put it into the configuration.

    Idempotent: what is up to date stays. A broker that does not list the expiry, or does not
    answer, raises an alert and changes nothing.
    """
    current = revisions.in_force()
    endpoint = endpoint or Endpoint.objects.filter(is_default=True).first()
    if current is None or endpoint is None:
        return Rolled("No configuration is in force, or no gateway is set up.", False)
    today = today or timezone.now().astimezone(ET).date()
    config = read(current.content)
    rule = config.test_contracts.spy_weekly_call
    try:
        expiry = async_to_sync(_verified)(held_to(config, endpoint), today, rule)
    except (PortError, TimeoutError, OSError, LookupError) as error:
        text = f"The weekly expiry could not be verified. {error}"
        raise_alert("expiry-unverified", "Weekly expiry not verified", text, severity="WARNING")
        return Rolled(text, False)
    if not expiry.changed:
        return Rolled(f"The weekly expiry {expiry.code} is up to date. {expiry.reason}", True)
    revision = revisions.roll_expiry(expiry.code, expiry.reason)
    state = revision.get_state_display().lower() if revision else "unchanged"
    number = f"Revision {revision.number}" if revision else "The configuration"
    return Rolled(f"{number} with expiry {expiry.code} is {state}. {expiry.reason}", True, revision)


async def _verified(target: Target, today: date, rule: WeeklyCall) -> Expiry:
    async with gateway.connect(target, client_ids=gateway.PROBE_IDS, readonly=True) as desk:
        return await propose(desk, today, rule)
