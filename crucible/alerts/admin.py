"""Alerts in the admin: read by everybody who may enter it, acknowledged, never edited."""

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from crucible.alerts.models import Alert
from crucible.alerts.raising import MAY_ACKNOWLEDGE, AlertError, acknowledge
from crucible.ledger.admin import ReadOnlyAdmin
from crucible.roles import has_role


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """What was raised, and who has seen it."""

    actions = ["acknowledge_selected"]
    list_display = ("raised_at", "severity", "state", "title", "ref", "count", "acknowledged_by")
    list_filter = ("state", "severity", "kind")
    list_select_related = ("acknowledged_by",)
    date_hierarchy = "raised_at"
    search_fields = ("title", "text", "ref", "kind")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may enter the admin may read the alerts."""
        return bool(request.user.is_active and request.user.is_staff)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The admin's index lists the alerts for those who may read them."""
        return self.has_view_permission(request)

    def has_acknowledge_permission(self, request: HttpRequest) -> bool:
        """Say whether the person's role may acknowledge."""
        return has_role(request.user, *MAY_ACKNOWLEDGE)

    @admin.action(description="Acknowledge the selected alerts", permissions=["acknowledge"])
    def acknowledge_selected(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        """Acknowledge each that is open, and say which was not."""
        for alert in queryset:
            try:
                acknowledge(alert, request.user)  # type: ignore[arg-type]
            except AlertError as error:
                self.message_user(request, f"{alert}: {error}", messages.WARNING)
