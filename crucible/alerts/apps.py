"""Alerts as a Django app."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """What a person must see and acknowledge."""

    name = "crucible.alerts"
    default_auto_field = "django.db.models.BigAutoField"
