"""Approvals as a Django app: its policies stand after every migration."""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as global_apps
from django.db.models.signals import post_migrate

# QA Lead and Chief Risk Officer in any order, the Project Manager after both (C-140, C-141).
VALIDATION = [
    {"role": "QA", "after": []},
    {"role": "CRO", "after": []},
    {"role": "PM", "after": ["QA", "CRO"]},
]


class ApprovalsConfig(AppConfig):
    """Who must sign, who signed, what they saw."""

    name = "approvals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Seed the policies once the tables are there."""
        post_migrate.connect(_seed, sender=self)

    def seed(self, using: str) -> None:
        """Create the first version of each policy that is not there."""
        self.get_model("Policy")._default_manager.using(using).get_or_create(
            code="VALIDATION", version=1, defaults={"slots": VALIDATION}
        )


def _seed(sender: ApprovalsConfig, using: str, **signal: Any) -> None:
    # A migration backwards leaves a state without the table; a flush passes no state at all.
    apps = signal.get("apps", global_apps)
    if "policy" in apps.all_models.get(sender.label, {}):
        sender.seed(using)
