"""The app that runs validation sessions."""

from django.apps import AppConfig


class ValidationConfig(AppConfig):
    """Sessions, scenarios, checklists, configuration, board and uploads."""

    name = "validation"
    default_auto_field = "django.db.models.BigAutoField"
