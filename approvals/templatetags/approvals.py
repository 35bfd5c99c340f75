"""What other pages show of sign-off."""

from typing import Any

from django import template

from approvals import requests
from approvals.guards import Refused
from approvals.models import Request

register = template.Library()


@register.inclusion_tag("approvals/_panel.html", takes_context=True)
def signoff_panel(context: template.Context, subject: str) -> dict[str, Any]:
    """Show where the sign-off of a subject stands, and the button for whoever may submit it."""
    latest, refusal = Request.latest(subject), None
    try:
        requests.refuse_submission(subject, context["request"].user, latest)
    except Refused as refused:
        refusal = refused.refusal
    return {
        "subject": subject,
        "signoff": latest,
        "refusal": refusal,
        "user": context["request"].user,
    }
