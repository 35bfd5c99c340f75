"""The project board: tasks that sessions and sign-offs move by themselves."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class Column(models.TextChoices):
    """Where a task stands."""

    BACKLOG = "BACKLOG", "Backlog"
    READY = "READY", "Ready"
    IN_PROGRESS = "IN_PROGRESS", "In progress"
    VALIDATION = "VALIDATION", "Validation"
    AWAITING_APPROVAL = "AWAITING_APPROVAL", "Awaiting approval"
    DONE = "DONE", "Done"
    BLOCKED = "BLOCKED", "Blocked"


class Task(models.Model):
    """A piece of work of the milestone."""

    code = models.CharField(max_length=20, unique=True)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    column = models.CharField(max_length=20, choices=Column, default=Column.BACKLOG)
    position = models.PositiveIntegerField(default=0)
    owner_role = models.CharField(max_length=5, blank=True)
    signed_off = models.BooleanField("needs a sign-off", default=False)
    depends_on = models.ManyToManyField("self", symmetrical=False, blank=True)
    blocked_reason = models.CharField(max_length=500, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    moved_at = models.DateTimeField(default=timezone.now)
    due_on = models.DateField(null=True, blank=True)
    # Who leads the work from when on, once that is decided.
    lead = models.CharField(max_length=100, blank=True)
    starts_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["position", "code"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class TaskComment(models.Model):
    """A remark on a task; without an author the system wrote it."""

    task = models.ForeignKey(Task, models.PROTECT, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    text = models.TextField()
    link = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.text[:80]


class TaskStep(models.Model):
    """One step of a task's procedure: ticked by a person, or by a machine that saw it done.

    Who ticked is empty for a machine; `tag` names the git tag whose report ticks the step.
    """

    task = models.ForeignKey(Task, models.PROTECT, related_name="steps")
    code = models.CharField(max_length=10)
    position = models.PositiveIntegerField()
    text = models.CharField(max_length=200)
    roles = models.JSONField(default=list, blank=True)
    tag = models.CharField(max_length=80, blank=True)
    note = models.CharField(max_length=500, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["task", "position"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["task", "code"], name="one_step_per_code")]

    def __str__(self) -> str:
        return f"{self.code} {self.text}"
