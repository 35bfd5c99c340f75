"""Policies, requests and signatures in the admin: to read, never to change."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from approvals.models import Policy, Request, Signature
from crucible.ledger.admin import ReadOnlyAdmin
from crucible.roles import AUDITORS, has_role


class SignoffAdmin(ReadOnlyAdmin):
    """Shows rows to those who read the audit log."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show it to auditors."""
        return request.user.is_superuser or has_role(request.user, *AUDITORS)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let auditors read."""
        return self.has_module_permission(request)


@admin.register(Policy)
class PolicyAdmin(SignoffAdmin):
    """Which roles sign."""

    list_display = ["code", "version", "slots"]


@admin.register(Request)
class RequestAdmin(SignoffAdmin):
    """What was laid before the signers."""

    list_display = ["title", "version", "state", "simulated", "submitted_by", "due_at"]
    list_filter = ["state", "simulated"]
    search_fields = ["subject", "title", "digest"]
    date_hierarchy = "submitted_at"


@admin.register(Signature)
class SignatureAdmin(SignoffAdmin):
    """Who signed, and what they saw."""

    list_display = ["request", "slot", "signer_name", "decision", "simulated", "at", "digest"]
    list_filter = ["decision", "slot", "simulated"]
    search_fields = ["request__subject", "signer_name", "digest"]
    date_hierarchy = "at"
