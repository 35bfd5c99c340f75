"""A test report that a pipeline sent, kept as it came."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from crucible.ledger.append_only import AppendOnlyModel


class UploadState(models.TextChoices):
    """Whether the file was understood."""

    PARSED = "PARSED", "Parsed"


class Upload(AppendOnlyModel):
    """One accepted report; the same run and kind is accepted once."""

    kind = models.CharField(max_length=10, default="TESTS")
    state = models.CharField(max_length=10, choices=UploadState, default=UploadState.PARSED)
    commit = models.CharField(max_length=64, db_index=True)
    branch = models.CharField(max_length=200)
    run_url = models.CharField(max_length=500)
    file_name = models.CharField(max_length=200, blank=True)
    content = models.TextField()
    sha256 = models.CharField(max_length=64)
    tests = models.PositiveIntegerField()
    failures = models.PositiveIntegerField()
    errors = models.PositiveIntegerField()
    skipped = models.PositiveIntegerField()
    duration_s = models.FloatField(default=0.0)
    # Up to 200 cases that did not pass: [{"name", "classname", "outcome", "message"}].
    problems = models.JSONField(default=list)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-uploaded_at", "-pk"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["run_url", "kind"], name="one_upload_per_run")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.commit[:12]}"

    def get_absolute_url(self) -> str:
        """Return the address of the upload's page."""
        return reverse("upload", args=[self.pk])

    @property
    def green(self) -> bool:
        """Whether at least one test ran and none failed."""
        return self.tests > self.skipped and not self.failures and not self.errors
