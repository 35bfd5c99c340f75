"""Everything a session leaves behind, to read for those who review; and the list of event days."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from crucible.ledger.admin import ReadOnlyAdmin
from crucible.ledger.record import record
from crucible.roles import Role, has_role
from validation import models


@admin.register(models.Session)
class SessionAdmin(ReadOnlyAdmin):
    """Sessions by state and gateway."""

    list_display = ["number", "kind", "state", "simulated", "endpoint_name", "created_by",
                    "created_at"]  # fmt: skip
    list_filter = ["state", "kind", "simulated"]
    search_fields = ["number"]


@admin.register(models.Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """Attempts by scenario and result."""

    list_display = ["session", "scenario", "number", "state", "started_at", "duration_ms"]
    list_filter = ["state", "scenario"]
    search_fields = ["session__number"]
    readonly_fields = ["full_trace"]
    exclude = ["trace"]

    @admin.display(description="trace")
    def full_trace(self, attempt: models.Attempt) -> str:
        """The whole trace of an error, folded: the reason is its short form."""
        if not attempt.trace:
            return "–"
        fold = "<details><summary>Full trace</summary><pre>{}</pre></details>"
        return format_html(fold, attempt.trace)


@admin.register(models.LogLine)
class LogLineAdmin(ReadOnlyAdmin):
    """Lines of the sessions' logs."""

    list_display = ["session", "at", "level", "event_type", "message", "actor", "client_id",
                    "correlation"]  # fmt: skip
    list_filter = ["level", "source", "planned"]
    search_fields = ["session__number", "correlation", "event_type"]


@admin.register(models.ConfigRevision)
class ConfigRevisionAdmin(ReadOnlyAdmin):
    """Configuration revisions."""

    list_display = ["number", "state", "origin", "author", "created_at", "activated_at"]
    list_filter = ["state", "origin"]


@admin.register(models.Upload)
class UploadAdmin(ReadOnlyAdmin):
    """Test reports of pipelines."""

    list_display = ["id", "commit", "branch", "tests", "failures", "errors", "uploaded_at"]
    search_fields = ["commit", "run_url"]
    exclude = ["content"]


@admin.register(models.BotConfig)
class BotConfigAdmin(ReadOnlyAdmin):
    """What the bot was uploaded to run with."""

    list_display = ["id", "file_name", "sha256", "commit", "uploaded_by", "uploaded_at"]
    search_fields = ["sha256", "commit"]


@admin.register(models.CodeTag)
class CodeTagAdmin(ReadOnlyAdmin):
    """Git tags that pipelines reported."""

    list_display = ["name", "commit", "run_url", "reported_by", "reported_at"]
    search_fields = ["name", "commit"]


@admin.register(models.Report)
class ReportAdmin(ReadOnlyAdmin):
    """Reports as they were submitted."""

    list_display = ["session", "version", "sha256", "frozen_at"]
    fields = ["session", "version", "sha256", "frozen_at", "markdown"]


@admin.register(models.Outbox)
class OutboxAdmin(ReadOnlyAdmin):
    """Messages to the workers."""

    list_display = ["id", "topic", "payload", "created_at", "delivered_at", "tries", "correlation"]


@admin.register(models.HealthCheck)
class HealthCheckAdmin(ReadOnlyAdmin):
    """Findings of preflights."""

    list_display = ["run", "code", "title", "finding", "verdict", "holds_up"]
    list_filter = ["verdict", "code"]
    search_fields = ["run__session__number"]


@admin.register(models.FaultWindow)
class FaultWindowAdmin(ReadOnlyAdmin):
    """What scenarios provoked, and when."""

    list_display = ["session", "attempt", "starts_at", "ends_at", "why"]
    search_fields = ["session__number"]


@admin.register(models.Acknowledgement)
class AcknowledgementAdmin(ReadOnlyAdmin):
    """Warnings that people acknowledged."""

    list_display = ["session", "warning", "text", "by", "at"]
    search_fields = ["session__number"]


@admin.register(models.KnownLimitation)
class KnownLimitationAdmin(ReadOnlyAdmin):
    """What every report says that paper trading can't show."""

    list_display = ["code", "text", "in_force"]


# roles_and_states, row 27: the event list is the QA Lead's and the administrators'.
MAY_LIST = (Role.QA, Role.AD)


@admin.register(models.EventDay)
class EventDayAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Days with an event that moves the market (C-91); every change is entered in the ledger."""

    list_display = ["day", "name"]
    date_hierarchy = "day"
    search_fields = ["name"]

    def save_model(
        self, request: HttpRequest, obj: models.EventDay, form: Any, change: bool
    ) -> None:
        """Save it with its line in the ledger; the admin's view is one transaction."""
        super().save_model(request, obj, form, change)
        _note(request, obj, "changed" if change else "added")

    def delete_model(self, request: HttpRequest, obj: models.EventDay) -> None:
        """Delete it, with its line in the ledger."""
        _note(request, obj, "removed")
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[models.EventDay]) -> None:
        """Delete several, each with its line in the ledger."""
        with transaction.atomic():
            for one in queryset:
                self.delete_model(request, one)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Who edits the list sees it in the admin's index."""
        return super().has_module_permission(request) or _may_list(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Who edits the list reads it."""
        return super().has_view_permission(request, obj) or _may_list(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The QA Lead and administrators add."""
        return super().has_add_permission(request) or _may_list(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The QA Lead and administrators change."""
        return super().has_change_permission(request, obj) or _may_list(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The QA Lead and administrators remove."""
        return super().has_delete_permission(request, obj) or _may_list(request)


def _may_list(request: HttpRequest) -> bool:
    return has_role(request.user, *MAY_LIST)


def _note(request: HttpRequest, event: models.EventDay, what: str) -> None:
    actor = cast("User", request.user)
    record(
        f"event_day.{what}", "event_day", event.pk, actor=actor, day=event.day.isoformat(),
        name=event.name,
    )  # fmt: skip
