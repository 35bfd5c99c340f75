"""The way to a broker, real or simulated."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BrokerageConfig(AppConfig):
    """Registers the app and sees to it that the kill switch exists."""

    name = "brokerage"
    verbose_name = "Brokerage"

    def ready(self) -> None:
        """Create the kill switch's one row after each migration."""
        from brokerage.models import create_kill_switch  # noqa: PLC0415 - models load first

        post_migrate.connect(create_kill_switch, sender=self)
