"""Read, trigger or reset the kill switch from a terminal."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError

from brokerage import kill
from brokerage.management.signing_in import REFUSED, signed_in
from brokerage.models import KillSwitch

NOT_ARMED = 3


class Command(BaseCommand):
    """Exit codes: 0 done, or armed; 1 refused; 2 wrong usage; 3 not armed."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One action each."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("status", help="print the state; exit code 3 unless it is ARMED")
        trigger = actions.add_parser("trigger", help="block every opening order now")
        trigger.add_argument("--reason", required=True)
        trigger.add_argument("--user", help="who triggers; default: the command line")
        for name, text in (("request-reset", "--root-cause"), ("refuse-reset", "--reason")):
            action = actions.add_parser(name)
            action.add_argument("--user", required=True, help="asks for the password")
            action.add_argument(text, required=True)
        approve = actions.add_parser("approve-reset", help="as another person than who requested")
        approve.add_argument("--user", required=True, help="asks for the password")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and print the state."""
        try:
            switch = self._act(options)
        except kill.KillSwitchError as error:
            raise CommandError(str(error), returncode=REFUSED) from error
        self.stdout.write(_line(switch))
        if options["action"] == "status" and not switch.armed:
            sys.exit(NOT_ARMED)

    def _act(self, options: dict[str, Any]) -> KillSwitch:
        match options["action"]:
            case "trigger":
                return kill.trigger(_named(options["user"]), options["reason"])
            case "request-reset":
                return kill.request_reset(signed_in(options["user"]), options["root_cause"])
            case "approve-reset":
                return kill.approve_reset(signed_in(options["user"]))
            case "refuse-reset":
                return kill.refuse_reset(signed_in(options["user"]), options["reason"])
        return KillSwitch.current()


def _line(switch: KillSwitch) -> str:
    words = [switch.state, f"since {switch.since:%Y-%m-%d %H:%M:%S} UTC", f"by {switch.by_name}"]
    if switch.reason:
        words.append(switch.reason)
    if switch.requested_by:
        words.append(f"reset requested by {switch.requested_by.get_username()}")
    return " · ".join(words)


def _named(username: str | None) -> User | str:
    """Stopping needs no password: whoever has this terminal may stop."""
    if username is None:
        return "command line"
    try:
        return User.objects.get(username=username)
    except User.DoesNotExist as error:
        raise CommandError(f"There is no user {username}.", returncode=REFUSED) from error
