"""The app that runs validation sessions."""

from django.apps import AppConfig

from validation.build import code_version


class ValidationConfig(AppConfig):
    """Sessions, scenarios, checklists, configuration, board and uploads."""

    name = "validation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Find out now which version runs: what is checked out later is another one."""
        code_version()
