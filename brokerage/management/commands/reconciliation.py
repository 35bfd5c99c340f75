"""List differences between our record and the broker; propose what settles them, and decide."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError

from brokerage import corrections
from brokerage.corrections import CorrectionError
from brokerage.management.signing_in import REFUSED, signed_in
from brokerage.models import ReconciliationDiff

OPEN = 3
State = ReconciliationDiff.State
ACTIONS = (
    ("explain", "propose what a difference comes from (System Operator, QA Specialist)"),
    ("correct", "propose to take the broker's value over by a row beside our record"),
    ("approve", "approve what another person proposed (QA Lead, Chief Risk Officer)"),
    ("refuse", "refuse what another person proposed; the difference stays open"),
)


class Command(BaseCommand):
    """Exit codes: 0 done, or nothing open; 1 refused; 2 wrong usage; 3 differences are open."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One action each."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="print what is open; exit code 3 if anything is")
        for name, text in ACTIONS:
            action = actions.add_parser(name, help=text)
            action.add_argument("number", type=int, help="as `list` prints it")
            action.add_argument("--user", required=True, help="asks for the password")
            if name != "approve":
                action.add_argument("--text", required=True, help="at least ten characters")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and print what is still open."""
        if options["action"] != "list":
            self._settle(options)
        rows = ReconciliationDiff.objects.filter(state=State.OPEN)
        for diff in rows.select_related("endpoint", "proposed_by"):
            where = diff.endpoint.name if diff.endpoint else "a private gateway"
            self.stdout.write(f"{diff.pk} · {where} · {diff.scope} · {diff}{_proposal(diff)}")
        if not rows:
            self.stdout.write("No difference is open.")
        elif options["action"] == "list":
            sys.exit(OPEN)

    def _settle(self, options: dict[str, Any]) -> None:
        diff = ReconciliationDiff.objects.filter(pk=options["number"]).first()
        if diff is None:
            text = f"There is no difference {options['number']}."
            raise CommandError(text, returncode=REFUSED)
        try:
            _do(options["action"], diff, signed_in(options["user"]), options.get("text", ""))
        except CorrectionError as error:
            raise CommandError(str(error), returncode=REFUSED) from error


def _do(action: str, diff: ReconciliationDiff, user: User, text: str) -> None:
    if action == "approve":
        corrections.approve(diff, user)
    elif action == "refuse":
        corrections.refuse(diff, user, text)
    else:
        corrections.propose(diff, user, text, row=action == "correct")


def _proposal(diff: ReconciliationDiff) -> str:
    if not diff.proposal:
        return ""
    what = "a correcting row" if diff.proposes_row else "an explanation"
    return f" · {diff.proposer} proposes {what}: {diff.proposal}"
