"""The forms in which validation's rows go over REST."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from validation.hanging import overdue_since
from validation.models import (
    Attempt,
    Check,
    CodeTag,
    ConfigRevision,
    Item,
    LogLevel,
    LogLine,
    Metric,
    Session,
    SessionKind,
    Task,
    TaskStep,
)
from validation.observation import HIGHEST_CLIENT, LONGEST_S, SHORTEST_S


class SessionSerializer(serializers.ModelSerializer[Session]):
    """A session without its results."""

    created_by = serializers.CharField(source="created_by.username")
    config_revision = serializers.IntegerField(source="config.number")
    config_sha256 = serializers.CharField(source="config.digest")
    restart_of = serializers.CharField(source="restart_of.number", default=None)
    hours_waived_by = serializers.CharField(source="hours_waived_by.username", default=None)
    approvable = serializers.BooleanField()
    task = serializers.CharField(source="task.code", default=None)

    class Meta:
        model = Session
        fields = [
            "number", "kind", "state", "wanted", "checked_at", "paused_at", "pause_reason",
            "log_level", "simulated", "endpoint_name", "speed", "seed",
            "code_version", "config_revision", "config_sha256", "planned", "fail_fast",
            "observe_s", "observed_client", "created_by", "created_at", "started_at",
            "ended_at", "outcome_reason", "cleanup",
            "cleanup_note", "summary", "known_issues", "recommendation", "stability_notes",
            "restart_of", "task", "hours_waived_by", "hours_waived_reason", "approvable",
        ]  # fmt: skip


class StartSerializer(serializers.Serializer[Any]):
    """What to run; without scenarios the whole catalogue."""

    endpoint = serializers.CharField(required=False, max_length=60)
    scenarios = serializers.ListField(
        child=serializers.CharField(max_length=80), required=False, allow_empty=False, max_length=50
    )
    fail_fast = serializers.BooleanField(required=False, default=False)
    restart_of = serializers.SlugField(required=False, max_length=40)
    kind = serializers.ChoiceField(
        choices=[
            SessionKind.DRY_RUN.value, SessionKind.DRILL.value, SessionKind.OBSERVE.value,
        ],
        required=False,
    )  # fmt: skip
    observe_s = serializers.FloatField(
        required=False, min_value=SHORTEST_S, max_value=LONGEST_S,
        help_text="OBSERVE: session seconds.",
    )  # fmt: skip
    log_level = serializers.ChoiceField(
        choices=LogLevel.choices, required=False, default=LogLevel.INFO,
        help_text="DEBUG also keeps every message on the wire.",
    )  # fmt: skip
    two_hours = serializers.BooleanField(
        required=False, default=False,
        help_text="Go on at the end until the watch has seen two hours (X-02).",
    )  # fmt: skip
    observed_client = serializers.IntegerField(
        required=False, min_value=0, max_value=HIGHEST_CLIENT,
        help_text="OBSERVE: the bot's client id; without it, every other client is observed.",
    )  # fmt: skip
    run = serializers.BooleanField(
        required=False, default=True, help_text="False: the preflight only."
    )


class AbortSerializer(serializers.Serializer[Any]):
    """Why a session is stopped."""

    reason = serializers.CharField(max_length=500)


class CheckSerializer(serializers.ModelSerializer[Check]):
    """One comparison."""

    class Meta:
        model = Check
        fields = ["position", "name", "expected", "actual", "passed", "required", "at"]


class MetricSerializer(serializers.ModelSerializer[Metric]):
    """One figure, with the attempt that measured it."""

    scenario = serializers.CharField(source="attempt.scenario")
    attempt = serializers.IntegerField(source="attempt.number")
    simulated = serializers.BooleanField(source="attempt.session.simulated")

    class Meta:
        model = Metric
        fields = ["simulated", "scenario", "attempt", "name", "value", "unit", "at"]


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    """One attempt at a scenario with its checks."""

    checks = CheckSerializer(many=True)
    simulated = serializers.BooleanField(source="session.simulated")
    overdue_since = serializers.SerializerMethodField(
        help_text="Since when it runs for longer than twice the expected time; null: it does not."
    )

    class Meta:
        model = Attempt
        fields = [
            "simulated",
            "scenario", "slug", "title", "category", "number", "state", "severity", "version",
            "timeout_s", "expected_s", "overdue_since", "started_at", "ended_at", "duration_ms",
            "reason", "trace", "checks",
        ]  # fmt: skip

    def get_overdue_since(self, attempt: Attempt) -> datetime | None:
        """Return since when the running attempt is overdue (SC-07)."""
        return overdue_since(attempt, attempt.session.speed)


class LogLineSerializer(serializers.ModelSerializer[LogLine]):
    """One log line."""

    scenario = serializers.CharField(source="attempt.scenario", default=None)
    correlation_id = serializers.CharField(source="correlation")
    simulated = serializers.BooleanField(source="session.simulated")

    class Meta:
        model = LogLine
        fields = [
            "simulated", "at", "level", "source", "event_type", "correlation_id", "scenario",
            "actor", "client_id", "message", "code", "planned",
        ]  # fmt: skip


class NarrativeSerializer(serializers.Serializer[Any]):
    """The written parts of a report."""

    summary = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    known_issues = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    recommendation = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    stability_notes = serializers.CharField(required=False, allow_blank=True, max_length=10_000)


class ItemSerializer(serializers.ModelSerializer[Item]):
    """One item of a checklist."""

    closed_by = serializers.CharField(source="closed_by.username", default=None)
    acknowledged_by = serializers.CharField(source="acknowledged_by.username", default=None)
    closed = serializers.BooleanField()
    simulated = serializers.BooleanField(source="checklist.session.simulated")

    class Meta:
        model = Item
        fields = [
            "simulated",
            "code", "section", "text", "help", "evidence", "roles", "blocking", "state", "closed",
            "finding", "note", "risk", "evidence_ref", "closed_by", "closed_at",
            "acknowledged_by", "acknowledged_at",
        ]  # fmt: skip


class ItemActionSerializer(serializers.Serializer[Any]):
    """What to do with an item; `risk` is for exceptions, `evidence_ref` for attestations."""

    action = serializers.ChoiceField(
        choices=["attest", "fail", "exception", "not_applicable", "acknowledge", "reopen"]
    )
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)
    risk = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)
    evidence_ref = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=300
    )


class RevisionSerializer(serializers.ModelSerializer[ConfigRevision]):
    """A configuration revision."""

    author = serializers.CharField(source="author.username", default=None)

    class Meta:
        model = ConfigRevision
        fields = [
            "number", "state", "content", "digest", "note", "origin", "expiry_only", "author",
            "created_at", "approvals", "approved_at", "activated_at", "rejected_reason",
        ]  # fmt: skip


class ImportSerializer(serializers.Serializer[Any]):
    """A configuration as YAML."""

    yaml = serializers.CharField(max_length=65_536, trim_whitespace=False)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class StepSerializer(serializers.Serializer[Any]):
    """Why a revision takes a step; needed for a rejection."""

    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class TagSerializer(serializers.ModelSerializer[CodeTag]):
    """A git tag that a pipeline made and pushed."""

    # Whether it is known already is for the process to say: the same report twice is no mistake.
    name = serializers.CharField(max_length=80)
    reported_by = serializers.CharField(source="reported_by.username", read_only=True)

    class Meta:
        model = CodeTag
        fields = ["name", "commit", "run_url", "reported_by", "reported_at"]
        read_only_fields = ["reported_at"]


class TaskStepSerializer(serializers.ModelSerializer[TaskStep]):
    """One step of a task's procedure."""

    done_by = serializers.CharField(source="done_by.username", default=None)

    class Meta:
        model = TaskStep
        fields = ["code", "text", "roles", "tag", "note", "done_at", "done_by"]


class TaskSerializer(serializers.ModelSerializer[Task]):
    """A task of the board."""

    depends_on = serializers.SerializerMethodField()
    comments = serializers.SerializerMethodField()
    steps = TaskStepSerializer(many=True)

    class Meta:
        model = Task
        fields = [
            "code", "title", "column", "owner_role", "signed_off", "blocked_reason",
            "completed_at", "moved_at", "lead", "starts_on", "depends_on",
            "comments", "steps",
        ]  # fmt: skip

    def get_depends_on(self, task: Task) -> list[str]:
        """Return the codes of the tasks that must be done before."""
        return [before.code for before in task.depends_on.all()]

    def get_comments(self, task: Task) -> list[dict[str, str | None]]:
        """Return the remarks, the oldest first."""
        return [
            {
                "text": comment.text,
                "link": comment.link,
                "author": comment.author.get_username() if comment.author else None,
                "created_at": comment.created_at.isoformat(),
            }
            for comment in task.comments.all()
        ]


class UploadSerializer(serializers.Serializer[Any]):
    """A JUnit report with the run that made it."""

    file = serializers.FileField(allow_empty_file=True, max_length=200)
    commit = serializers.CharField(max_length=64)
    branch = serializers.CharField(max_length=200)
    run_url = serializers.CharField(max_length=500)
    kind = serializers.CharField(required=False, default="TESTS", max_length=10)


class StoredUploadSerializer(serializers.Serializer[Any]):
    """An accepted report."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    state = serializers.CharField()
    commit = serializers.CharField()
    branch = serializers.CharField()
    run_url = serializers.CharField()
    file_name = serializers.CharField()
    sha256 = serializers.CharField()
    tests = serializers.IntegerField()
    failures = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]
    skipped = serializers.IntegerField()
    duration_s = serializers.FloatField()
    problems = serializers.ListField(child=serializers.DictField())
    green = serializers.BooleanField()
    uploaded_at = serializers.DateTimeField()
    uploaded_by = serializers.CharField()
