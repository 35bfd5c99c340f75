"""A validation run: what it tests, where, with which configuration, and how far it came."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from validation.models.board import Task
from validation.models.config import ConfigRevision


class SessionKind(models.TextChoices):
    """What a session is worth: only a full one can be signed.

    An imported one repeats a test report that ran elsewhere; a drill provokes faults on purpose;
    an observing one places no order and watches a bot that trades on the same account.
    """

    FULL = "FULL", "Full"
    PARTIAL = "PARTIAL", "Partial"
    DRY_RUN = "DRY_RUN", "Dry run"
    IMPORTED = "IMPORTED", "Imported"
    DRILL = "DRILL", "Drill"
    OBSERVE = "OBSERVE", "Observe"


class SessionState(models.TextChoices):
    """Where a session stands."""

    DRAFT = "DRAFT", "Draft"
    PREFLIGHT = "PREFLIGHT", "Preflight"
    READY = "READY", "Ready"
    RUNNING = "RUNNING", "Running"
    PAUSED = "PAUSED", "Paused"
    CLEANUP = "CLEANUP", "Clean-up"
    MANUAL_CHECKS = "MANUAL_CHECKS", "Manual checks"
    REPORTING = "REPORTING", "Reporting"
    AWAITING_APPROVAL = "AWAITING_APPROVAL", "Awaiting approval"
    APPROVED = "APPROVED", "Approved"
    REJECTED = "REJECTED", "Rejected"
    ABORTED = "ABORTED", "Aborted"
    BLOCKED = "BLOCKED", "Blocked"
    HALTED = "HALTED", "Halted"
    INTERRUPTED = "INTERRUPTED", "Interrupted"
    SUPERSEDED = "SUPERSEDED", "Superseded"


class LogLevel(models.TextChoices):
    """How much a session's log keeps: never less than what verdicts and metrics rest on."""

    INFO = "INFO", "Normal"
    DEBUG = "DEBUG", "Everything, with the messages on the wire"


S = SessionState
# These hold their gateway: one session at a time.
IN_FLIGHT = (S.PREFLIGHT, S.READY, S.RUNNING, S.PAUSED, S.CLEANUP)
STOPPED = (S.ABORTED, S.BLOCKED, S.HALTED, S.INTERRUPTED)
SIGNED = (S.APPROVED, S.SUPERSEDED)
TERMINAL = (S.APPROVED, S.REJECTED, S.SUPERSEDED, *STOPPED)
# The clean-up comes before the manual checks: no position waits for a person's signature.
MOVES: dict[SessionState, tuple[SessionState, ...]] = {
    S.DRAFT: (S.PREFLIGHT, S.ABORTED),
    S.PREFLIGHT: (S.READY, S.DRAFT, S.ABORTED, S.HALTED, S.INTERRUPTED),
    S.READY: (S.PREFLIGHT, S.RUNNING, S.ABORTED, S.HALTED),
    S.RUNNING: (S.PAUSED, S.CLEANUP, *STOPPED),
    S.PAUSED: (S.RUNNING, S.ABORTED, S.HALTED, S.INTERRUPTED),
    S.CLEANUP: (S.MANUAL_CHECKS, S.REPORTING, *STOPPED),
    S.MANUAL_CHECKS: (S.REPORTING, S.PREFLIGHT),
    S.REPORTING: (S.MANUAL_CHECKS, S.AWAITING_APPROVAL, S.PREFLIGHT),
    S.AWAITING_APPROVAL: (S.REPORTING, S.APPROVED, S.REJECTED),
    S.APPROVED: (S.SUPERSEDED,),
}


class CleanupState(models.TextChoices):
    """Whether the session's own orders are cancelled and its own positions closed."""

    NOT_NEEDED = "NOT_NEEDED", "Not needed"
    PENDING = "PENDING", "To do"
    DONE = "DONE", "Done"
    FAILED = "FAILED", "Failed"


# A clean-up that failed at the end of a run is as open as one that was never made.
TO_CLEAN = (CleanupState.PENDING, CleanupState.FAILED)


class Session(models.Model):
    """One validation run; `token` is the fencing token that every write of a worker carries."""

    number = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=10, choices=SessionKind, default=SessionKind.FULL)
    state = models.CharField(max_length=20, choices=SessionState, default=SessionState.DRAFT)
    endpoint = models.ForeignKey("brokerage.Endpoint", models.PROTECT, related_name="+")
    endpoint_name = models.CharField(max_length=100)
    # The gateway that it holds while it is in flight, by whichever of its endpoints.
    gateway = models.CharField(max_length=300, blank=True)
    config = models.ForeignKey(ConfigRevision, models.PROTECT, related_name="sessions")
    code_version = models.CharField(max_length=64)
    simulated = models.BooleanField(default=False)
    speed = models.FloatField(default=1.0)
    seed = models.IntegerField(null=True, blank=True)
    planned = models.PositiveIntegerField(default=0)
    fail_fast = models.BooleanField(default=False)
    log_level = models.CharField(max_length=8, choices=LogLevel, default=LogLevel.INFO)
    # Of an observing session: how long (session seconds), whom (None: every other client), and who
    # has asked for its end before that.
    observe_s = models.FloatField(null=True, blank=True)
    observed_client = models.IntegerField(null=True, blank=True)
    finish_requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # Whether it runs by itself, or goes on, once its preflight has found nothing that blocks.
    wanted = models.BooleanField(default=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    pause_reason = models.CharField(max_length=500, blank=True)
    # Who let it run outside regular hours: it can't be signed, and orders nothing then.
    hours_waived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    hours_waived_reason = models.CharField(max_length=500, blank=True)
    # Three sentences when a session did not end as planned: what happened, why, what to do.
    outcome_reason = models.TextField(blank=True)
    token = models.PositiveBigIntegerField(default=0)
    lease_owner = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    abort_requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    abort_requested_at = models.DateTimeField(null=True, blank=True)
    abort_reason = models.CharField(max_length=500, blank=True)
    cleanup = models.CharField(max_length=12, choices=CleanupState, default=CleanupState.NOT_NEEDED)
    cleanup_note = models.TextField(blank=True)
    # What the worker saw around the scenarios: balances in USD, connections, versions.
    facts = models.JSONField(default=dict, blank=True)
    summary = models.TextField(blank=True)
    known_issues = models.TextField(blank=True)
    recommendation = models.TextField(blank=True)
    # For whoever decides later how the gateway is deployed.
    stability_notes = models.TextField(blank=True)
    restart_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="restarts"
    )
    task = models.ForeignKey(Task, models.PROTECT, null=True, blank=True, related_name="sessions")
    # The search for the cause, when the session was stopped.
    follow_up = models.ForeignKey(
        Task, models.PROTECT, null=True, blank=True, related_name="caused_by"
    )

    class Meta:
        ordering = ["-created_at", "-pk"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint"],
                condition=models.Q(state__in=IN_FLIGHT),
                name="one_session_per_endpoint",
            ),
            models.UniqueConstraint(
                fields=["gateway"],
                condition=models.Q(state__in=IN_FLIGHT) & ~models.Q(gateway=""),
                name="one_session_per_gateway",
            ),
        ]
        indexes = [models.Index(fields=["state", "lease_until"], name="session_lease")]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        """Return the address of the session's page."""
        return reverse("session", args=[self.number])

    @classmethod
    def left_behind(cls) -> "models.QuerySet[Session]":
        """Return the ended sessions of which nobody has verified that nothing is left."""
        return cls.objects.filter(cleanup__in=TO_CLEAN, state__in=STOPPED)

    @property
    def in_flight(self) -> bool:
        """Whether it holds its gateway: a worker has it, is about to, or it is paused."""
        return self.state in IN_FLIGHT

    @property
    def terminal(self) -> bool:
        """Whether it has ended for good."""
        return self.state in TERMINAL

    @property
    def signed(self) -> bool:
        """Whether its sign-off was given, be it superseded since or not."""
        return self.state in SIGNED

    @property
    def approvable(self) -> bool:
        """Whether this session can ever be signed: a full one, in regular hours."""
        return self.kind == SessionKind.FULL and self.hours_waived_by_id is None

    def needs_hours(self, configured: bool) -> bool:
        """Say whether its scenarios need an open exchange, as the configuration says or not.

        One that can be signed always does.
        """
        return self.approvable or (configured and self.hours_waived_by_id is None)

    @property
    def observes(self) -> bool:
        """Whether it only watches: no grant, no order, no clean-up."""
        return self.kind == SessionKind.OBSERVE

    def may_move(self, state: SessionState) -> bool:
        """Say whether the state machine allows the move."""
        return state in MOVES.get(SessionState(self.state), ())


class Involvement(models.Model):
    """That a person had a hand in a session, so that they may not sign it; kept for ever."""

    session = models.ForeignKey(Session, models.PROTECT, related_name="involvements")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    what = models.CharField(max_length=80)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["session", "person", "what"], name="one_involvement")
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.what}"
