"""List differences between our record and the broker, explain them, or take the broker's value."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from brokerage import reconciliation
from brokerage.management.signing_in import REFUSED, signed_in
from brokerage.models import ReconciliationDiff
from brokerage.reconciliation import ReconciliationError

OPEN = 3
State = ReconciliationDiff.State


class Command(BaseCommand):
    """Exit codes: 0 done, or nothing open; 1 refused; 2 wrong usage; 3 differences are open."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One action each."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="print what is open; exit code 3 if anything is")
        for name, text in (
            ("explain", "say what a difference comes from"),
            ("correct", "take the broker's value over by a row beside our record"),
        ):
            action = actions.add_parser(name, help=text)
            action.add_argument("number", type=int, help="as `list` prints it")
            action.add_argument("--user", required=True, help="asks for the password")
            action.add_argument("--text", required=True, help="at least ten characters")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and print what is still open."""
        if options["action"] != "list":
            self._settle(options)
        rows = ReconciliationDiff.objects.filter(state=State.OPEN).select_related("endpoint")
        for diff in rows:
            where = diff.endpoint.name if diff.endpoint else "a private gateway"
            self.stdout.write(f"{diff.pk} · {where} · {diff.scope} · {diff}")
        if not rows:
            self.stdout.write("No difference is open.")
        elif options["action"] == "list":
            sys.exit(OPEN)

    def _settle(self, options: dict[str, Any]) -> None:
        diff = ReconciliationDiff.objects.filter(pk=options["number"]).first()
        if diff is None:
            text = f"There is no difference {options['number']}."
            raise CommandError(text, returncode=REFUSED)
        user = signed_in(options["user"])
        try:
            if options["action"] == "explain":
                reconciliation.explain(diff, user, options["text"])
            else:
                reconciliation.correct(diff, user, options["text"])
        except ReconciliationError as error:
            raise CommandError(str(error), returncode=REFUSED) from error
