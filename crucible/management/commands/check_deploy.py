"""Run Django's deployment checks with the settings that production uses."""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError


class Command(BaseCommand):
    """`check --deploy` in a process of its own, with HTTPS on and any warning an error."""

    help = __doc__
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Fail with what the checks say."""
        production = {
            "SECRET_KEY": secrets.token_urlsafe(64),
            "CRUCIBLE_HTTPS": "true",
            "CRUCIBLE_DEMO": "false",
            "DEBUG": "false",
        }
        manage = str(Path(settings.BASE_DIR) / "manage.py")
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, manage, "check", "--deploy", "--fail-level", "WARNING"],
            env=os.environ | production,
            check=False,
        )
        if done.returncode:
            raise CommandError("The deployment checks found something; see above.")
