"""What the frame of every page shows."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from approvals.models import Request
from approvals.rules import UNDECIDED
from brokerage.models import Endpoint, KillSwitch
from crucible.roles import AUDITORS, Role, roles_of

THEMES = {"light", "dark"}


@dataclass(frozen=True)
class Place:
    """One line of the navigation; `roles` empty means everyone who may log in."""

    name: str
    label: str
    icon: str
    roles: frozenset[Role] = frozenset()
    url: str = ""
    current: bool = False


PLACES = (
    Place("dashboard", "Dashboard", "layout-dashboard"),
    Place("sessions", "Sessions", "activity"),
    Place("catalogue", "Catalogue", "list-details"),
    Place("differences", "Differences", "file-diff"),
    Place("board", "Board", "layout-kanban"),
    Place("approvals:inbox", "Sign-offs", "writing-sign"),
    Place("config", "Configuration", "settings"),
    Place("uploads", "CI uploads", "upload"),
    Place("admin:ledger_entry_changelist", "Audit log", "history", AUDITORS),
    Place("help", "Help", "help-circle"),
)


class Product:
    """Facts for the header, each read only when a template asks for it."""

    demo: bool = settings.DEMO

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def now(self) -> datetime:
        """The moment of this page."""
        return timezone.now()

    @property
    def theme(self) -> str:
        """The colour scheme the person chose, or nothing for the system's."""
        theme = self.request.COOKIES.get("theme", "")
        return theme if theme in THEMES else ""

    @cached_property
    def roles(self) -> list[Role]:
        """The person's roles in the order of the roles' table."""
        held = roles_of(self.request.user)
        return [role for role in Role if role in held]

    @cached_property
    def kill_switch(self) -> KillSwitch | None:
        """The kill switch; None, shown as unknown, when its row is missing."""
        return KillSwitch.objects.filter(pk=KillSwitch.SINGLE).first()

    @cached_property
    def endpoint(self) -> Endpoint | None:
        """The default gateway, or None."""
        return Endpoint.objects.filter(is_default=True).first()

    @cached_property
    def signoffs(self) -> int:
        """How many sign-off requests are open."""
        return Request.objects.filter(state__in=UNDECIDED).count()

    @cached_property
    def nav(self) -> list[Place]:
        """The places this person may go, the open one marked."""
        held = roles_of(self.request.user)
        everything = self.request.user.is_superuser
        allowed = (place for place in PLACES if everything or not place.roles or place.roles & held)
        return [self._placed(place) for place in allowed]

    def _placed(self, place: Place) -> Place:
        url, path = reverse(place.name), self.request.path
        current = path == url if url == "/" else path.startswith(url)
        return replace(place, url=url, current=current)


def product(request: HttpRequest) -> dict[str, Any]:
    """Return the facts that the header shows on every page."""
    return {"product": Product(request)}
