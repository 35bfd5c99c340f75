"""Gateways can be set up here; orders, fills, proofs and the kill switch can only be read."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.http import HttpRequest

from brokerage.models import (
    AccountProof,
    Correction,
    Endpoint,
    Execution,
    KillSwitch,
    OrderEvent,
    OrderGrant,
    OrderRecord,
    ReconciliationDiff,
    ReconciliationRun,
)
from crucible.ledger.admin import ReadOnlyAdmin
from crucible.ledger.record import record
from crucible.roles import Role, has_role


@admin.register(Endpoint)
class EndpointAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Where gateways listen; a change is entered in the ledger."""

    list_display = ["name", "kind", "host", "port", "is_default", "last_state", "last_seen_at"]
    list_filter = ["kind"]
    readonly_fields = ["last_seen_at", "last_state", "last_error", "server_version"]

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        """Save it with its line in the ledger; the admin's view is one transaction."""
        super().save_model(request, obj, form, change)
        kind = "endpoint.changed" if change else "endpoint.created"
        changes = {name: form.cleaned_data.get(name) for name in form.changed_data}
        actor = cast("User", request.user)
        record(kind, "endpoint", obj.name, actor=actor, changes=changes)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Administrators see it in the admin's index (roles_and_states, row 38: settings)."""
        return super().has_module_permission(request) or has_role(request.user, Role.AD)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Administrators read how gateways are set up."""
        return super().has_view_permission(request, obj) or has_role(request.user, Role.AD)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Administrators set gateways up."""
        return super().has_add_permission(request) or has_role(request.user, Role.AD)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Administrators change gateways."""
        return super().has_change_permission(request, obj) or has_role(request.user, Role.AD)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody deletes a gateway: sessions and orders refer to it."""
        return False


class OrderEventInline(admin.TabularInline):  # type: ignore[type-arg]
    """What happened to an order."""

    model = OrderEvent
    fields = ["at", "kind", "detail"]
    readonly_fields = ["at", "kind", "detail"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody adds by hand."""
        return False


@admin.register(OrderRecord)
class OrderRecordAdmin(ReadOnlyAdmin):
    """Own orders with their events."""

    list_display = ["created_at", "scope", "ref", "side", "quantity", "symbol", "state", "route"]
    list_filter = ["state", "route", "purpose", "side"]
    search_fields = ["scope", "ref", "key", "symbol"]
    date_hierarchy = "created_at"
    inlines = [OrderEventInline]


@admin.register(Execution)
class ExecutionAdmin(ReadOnlyAdmin):
    """Fills."""

    list_display = ["at", "scope", "ref", "side", "quantity", "symbol", "price", "exec_id"]
    list_filter = ["side"]
    search_fields = ["scope", "ref", "exec_id", "symbol"]


@admin.register(OrderGrant)
class OrderGrantAdmin(ReadOnlyAdmin):
    """Leaves to trade."""

    list_display = ["scope", "endpoint", "symbols", "issued_at", "expires_at", "revoked_at"]


@admin.register(AccountProof)
class AccountProofAdmin(ReadOnlyAdmin):
    """Readings of the gateways' accounts."""

    list_display = ["at", "target", "accounts", "ok", "reason", "client_id"]
    list_filter = ["ok"]


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(ReadOnlyAdmin):
    """Comparisons of our record with the broker."""

    list_display = ["started_at", "endpoint", "scope", "occasion", "state", "orders", "executions"]
    list_filter = ["state", "occasion"]
    search_fields = ["scope"]


@admin.register(ReconciliationDiff)
class ReconciliationDiffAdmin(ReadOnlyAdmin):
    """Differences; their page and the command `reconciliation` settle them."""

    list_display = [
        "opened_at", "scope", "kind", "subject", "own", "wire", "broker", "state", "proposal",
        "proposed_by", "settled_by",
    ]  # fmt: skip
    list_filter = ["state", "kind", "drill"]
    search_fields = ["scope", "subject"]


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyAdmin):
    """Rows beside our record."""

    list_display = ["at", "scope", "con_id", "quantity", "text", "by_name"]
    search_fields = ["scope", "text"]


@admin.register(KillSwitch)
class KillSwitchAdmin(ReadOnlyAdmin):
    """The switch; its page and commands move it, nobody does by hand."""

    list_display = ["state", "reason", "by_name", "since"]
