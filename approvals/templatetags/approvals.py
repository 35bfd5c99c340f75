"""What other pages show of sign-off."""

from typing import Any

from django import template

from approvals import requests
from approvals.evidence import Evidence
from approvals.guards import Refused
from approvals.models import Request

register = template.Library()
RETURNED = {
    "VOIDED": "Every signature is void, because the content changed",
    "CHANGES_REQUESTED": "A signer asks for changes",
    "WITHDRAWN": "The request for sign-off was withdrawn",
}


@register.simple_tag
def signoff_of(subject: str) -> Request | None:
    """Return the newest request of a subject, for the two tags below."""
    return Request.latest(subject)


@register.inclusion_tag("approvals/_returned.html")
def signoff_returned(latest: Request | None) -> dict[str, Any]:
    """Say why a subject that was submitted is back at work; nothing for any other."""
    title = RETURNED.get(latest.state, "") if latest else ""
    why = latest.closed_reason.strip() if latest and title else ""
    stop = "" if why.endswith((".", "!", "?")) else "."
    return {"signoff": latest, "title": title, "why": f"{why}{stop}" if why else ""}


@register.inclusion_tag("approvals/_panel.html", takes_context=True)
def signoff_panel(
    context: template.Context,
    subject: str,
    latest: Request | None,
    source: Evidence | None = None,
) -> dict[str, Any]:
    """Show where the sign-off of a subject stands, and the button for whoever may submit it.

    `source` is evidence that the page has read already.
    """
    refusal = None
    try:
        requests.refuse_submission(subject, context["request"].user, latest, source)
    except Refused as refused:
        refusal = refused.refusal
    return {
        "subject": subject,
        "signoff": latest,
        "refusal": refusal,
        "user": context["request"].user,
    }
