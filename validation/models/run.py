"""What happened in a session: attempts at scenarios, their checks, metrics and log lines."""

from django.db import models
from django.urls import reverse
from django.utils import timezone

from crucible.correlation import actor, correlation
from crucible.ledger.append_only import AppendOnlyModel
from validation.models.session import Session


class AttemptState(models.TextChoices):
    """How an attempt ended, or that it has not."""

    PENDING = "PENDING", "Pending"
    RUNNING = "RUNNING", "Running"
    PASSED = "PASSED", "Passed"
    FAILED = "FAILED", "Failed"
    ERROR = "ERROR", "Error"
    TIMED_OUT = "TIMED_OUT", "Timed out"
    SKIPPED = "SKIPPED", "Skipped"
    ABORTED = "ABORTED", "Aborted"


OPEN = (AttemptState.PENDING, AttemptState.RUNNING)


class Attempt(models.Model):
    """One execution of a scenario in a session; the database refuses to change an ended one."""

    session = models.ForeignKey(Session, models.PROTECT, related_name="attempts")
    scenario = models.CharField(max_length=10)
    slug = models.CharField(max_length=80)
    title = models.CharField(max_length=120)
    category = models.CharField(max_length=40)
    position = models.PositiveIntegerField()
    number = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=AttemptState, default=AttemptState.PENDING)
    version = models.CharField(max_length=64)
    severity = models.CharField(max_length=10)
    timeout_s = models.FloatField()
    # Session seconds that it takes when all is well; None where nobody has said.
    expected_s = models.FloatField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    reason = models.TextField(blank=True)
    # Of an error that ended it: the whole trace, of which the reason is the short form.
    trace = models.TextField(blank=True)

    class Meta:
        ordering = ["session", "position", "number"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["session", "scenario", "number"], name="attempt_number")
        ]

    def __str__(self) -> str:
        return f"{self.session.number} {self.scenario} #{self.number}"

    def get_absolute_url(self) -> str:
        """Return the address of the attempt's page."""
        return reverse("attempt", args=[self.session.number, self.scenario, self.number])

    @property
    def ended(self) -> bool:
        """Whether it has reached its last state."""
        return self.state not in OPEN

    @property
    def on_retry(self) -> bool:
        """Whether it passed, but not at the first attempt: that is amber, never green."""
        return self.state == AttemptState.PASSED and self.number > 1

    @property
    def shown_state(self) -> str:
        """The state, or that it passed on retry."""
        return "PASSED_ON_RETRY" if self.on_retry else self.state


class Check(AppendOnlyModel):
    """One named comparison; one that is not required only warns."""

    attempt = models.ForeignKey(Attempt, models.PROTECT, related_name="checks")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    expected = models.TextField()
    actual = models.TextField()
    passed = models.BooleanField()
    required = models.BooleanField(default=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["attempt", "position"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["attempt", "position"], name="check_position")
        ]

    def __str__(self) -> str:
        return f"{self.name}: {'passed' if self.passed else 'failed'}"


class Metric(AppendOnlyModel):
    """One measured figure, with its unit in words ("ms", "s", "USD", "")."""

    attempt = models.ForeignKey(Attempt, models.PROTECT, related_name="metrics")
    name = models.CharField(max_length=80)
    value = models.FloatField()
    unit = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["attempt", "pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.name} = {self.value:g} {self.unit}".rstrip()


class LogLine(AppendOnlyModel):
    """One line of a session's log; `planned` marks what a scenario provoked on purpose.

    Lines with one correlation id are consequences of one click, command or round of the sweeper.
    """

    session = models.ForeignKey(Session, models.PROTECT, related_name="log_lines")
    attempt = models.ForeignKey(
        Attempt, models.PROTECT, null=True, blank=True, related_name="log_lines"
    )
    at = models.DateTimeField(default=timezone.now)
    level = models.CharField(max_length=8, default="INFO")
    source = models.CharField(max_length=40)
    message = models.TextField()
    code = models.IntegerField(null=True, blank=True)
    # The request that a broker's message answers; −1 when it is about none.
    request_id = models.IntegerField(null=True, blank=True)
    planned = models.BooleanField(default=False)
    event_type = models.CharField(max_length=60, blank=True)
    correlation = models.CharField(max_length=80, blank=True, default=correlation)
    actor = models.CharField(max_length=80, blank=True, default=actor)
    # Of the connection that the line is about, where it is about one.
    client_id = models.IntegerField(null=True, blank=True)

    class Meta:
        ordering = ["session", "pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.level} {self.source}: {self.message}"
