"""Issue an API token for a service account; it is shown once and stored only as a hash."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management import BaseCommand, CommandError
from django.db import transaction
from knox.models import AuthToken

from crucible.ledger.record import record
from crucible.roles import Role, roles_of


class Command(BaseCommand):
    """The account may upload CI results and nothing else."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The account's name, and for how long the token is good."""
        parser.add_argument("--name", default="ci", help="the service account (default: ci)")
        parser.add_argument("--days", type=int, default=365, help="lifetime (default: 365)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the account when it is new, and print a fresh token."""
        with transaction.atomic():
            account = self._account(options["name"])
            _, token = AuthToken.objects.create(account, expiry=timedelta(days=options["days"]))
            record("token.issued", "user", account.username, actor="command", days=options["days"])
        self.stdout.write(token)

    def _account(self, name: str) -> User:
        account, made = User.objects.get_or_create(username=name)
        if made:
            account.set_unusable_password()
            account.save()
            account.groups.add(Group.objects.get_or_create(name=Role.CI.value)[0])
        elif roles_of(account) != {Role.CI}:
            raise CommandError(f"{name!r} is a person, not a service account. Choose another name.")
        return account
