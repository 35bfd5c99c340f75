"""The project's own app: templates, commands, and the wiring of its halves."""

from django.apps import AppConfig

from crucible import (
    celery,  # noqa: F401 - the web process must know its broker, too
    migrating,
)


class CrucibleConfig(AppConfig):
    """Connect what may not import each other once every app is loaded."""

    name = "crucible"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let a change of evidence reach the sign-off requests that rest on it."""
        from crucible import wiring  # noqa: PLC0415 - models load first

        wiring.connect()
        migrating.connect()
