"""The audit log in the admin: searched and filtered, never changed, by anybody."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from crucible.ledger.models import Entry
from crucible.roles import AUDITORS, has_role

# Generic for the type checker only: the class itself takes no parameters.
if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(_ModelAdmin):
    """An admin that shows and searches; it has no way to add, change or delete."""

    actions: Any = None

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes."""
        return False


class Recent(admin.SimpleListFilter):
    """The last hour, the last day, or since midnight UTC (AU-03)."""

    title = "time"
    parameter_name = "since"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("1h", "Last hour"), ("24h", "Last 24 hours"), ("today", "Today (UTC)")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the entries since then."""
        now = timezone.now()
        since = {
            "1h": now - timedelta(hours=1),
            "24h": now - timedelta(hours=24),
            "today": now.replace(hour=0, minute=0, second=0, microsecond=0),
        }.get(self.value() or "")
        return queryset.filter(at__gte=since) if since else queryset


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """Who did what to which object, when."""

    list_display = ("sequence", "moment", "actor_name", "kind", "object_type", "object_id")
    list_filter = (Recent, "kind", "object_type", "actor_name")
    date_hierarchy = "at"
    search_fields = ("object_id", "kind", "actor_name", "correlation", "body")
    search_help_text = "Object, event, actor, correlation id or any word of the details"
    ordering = ("-sequence",)
    list_per_page = 50
    show_full_result_count = False
    fields = (
        "sequence", "moment", "actor_name", "actor", "kind", "object_type", "object_id",
        "correlation", "readable", "body", "body_sha256", "is_intact",
    )  # fmt: skip

    @admin.display(description="At (UTC)", ordering="sequence")
    def moment(self, entry: Entry) -> str:
        """When it was written, to the second."""
        return f"{entry.at:%Y-%m-%d %H:%M:%S}"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list under the name that the rest of the product gives it."""
        return super().changelist_view(request, {"title": "Audit log"} | (extra_context or {}))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Auditors read; so does a superuser."""
        user = request.user
        return bool(user.is_active and user.is_superuser) or has_role(user, *AUDITORS)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The admin's index lists the ledger for those who may read it."""
        return self.has_view_permission(request)

    @admin.display(description="details")
    def readable(self, entry: Entry) -> str:
        """The details, one to a line."""
        return json.dumps(entry.details, indent=1, ensure_ascii=False)

    @admin.display(description="intact", boolean=True)
    def is_intact(self, entry: Entry) -> bool:
        """Whether digest, body and columns agree."""
        return entry.intact
