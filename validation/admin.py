"""Read-only views of everything a session leaves behind, for those who review."""

from django.contrib import admin
from django.utils.html import format_html

from crucible.ledger.admin import ReadOnlyAdmin
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
