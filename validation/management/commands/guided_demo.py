"""Guided demo (X-14): a session from start to report on a private simulated gateway, explained."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from brokerage.errors import PortError
from brokerage.models import AccountProof, Endpoint
from validation import database, edge_cases, foreground, reports
from validation.facts import Facts
from validation.models import Attempt, AttemptState, Session
from validation.scenarios import catalogue
from validation.scenarios.catalogue import UnknownScenarioError
from validation.scenarios.trial import Trial
from validation.sessions import SessionRefused

LOOPBACK = "127.0.0.1:"
SPEED = 25.0
STEPS = (
    "A session pins the configuration in force and plans every scenario of the catalogue. Its "
    "preflight looks at gateway, account, market and product before anything runs.",
    "The scenarios run one after the other. Each passes only if all of its checks hold; orders "
    "leave through one door, with limits, to a gateway that has proved to be paper.",
    "What is known of the edge cases follows from the newest attempts; nobody types it.",
    "The report gathers results, figures, planned faults and limitations. People write its "
    "summary; a full session of a person is then submitted and signed.",
    "Everything above happened on a simulated gateway in this process.",
)


class Command(BaseCommand):
    """Five steps in five minutes; needs no broker, no account and no market."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How fast, how much, and whether to wait between the steps."""
        parser.add_argument("--pause", action="store_true", help="wait for Enter after each step")
        parser.add_argument("--speed", type=float, default=SPEED, help="of the simulated clock")
        parser.add_argument(
            "--scenario", nargs="+", action="extend", metavar="ID", help="only these scenarios"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the steps; raises CommandError when something was not as it should be."""
        if wrong := database.unready():
            raise CommandError(wrong)
        self._pause, began = bool(options["pause"]), timezone.now()
        self._tell(1)
        session = self._run(options)
        passed = session.attempts.filter(state=AttemptState.PASSED).count()
        self._say(f"{passed} of {session.planned} passed; clean-up: {session.cleanup_note}")
        self._cases()
        self._report(session)
        self._tell(5)
        calls, elsewhere = self._connections(began)
        self._say(f"{calls} connections to it, {elsewhere} to any broker.")
        if trouble := foreground.trouble(session):
            self._say(f"{session.number} is {session.state}. {trouble}")
        if elsewhere or trouble or passed != session.planned:
            raise CommandError("The demo did not go as it should; read what is told above.")
        self._say("Done. `make run` starts the whole product with the same gateway behind it.")

    def _run(self, options: dict[str, Any]) -> Session:
        order = foreground.Order(
            foreground.service_user(), options["scenario"], speed=options["speed"]
        )
        try:
            return foreground.privately(order, self._started, self._progress)
        except (SessionRefused, UnknownScenarioError, PortError) as error:
            raise CommandError(str(error)) from error

    def _started(self, session: Session) -> None:
        self._say(f"{session.number}, {session.get_kind_display().lower()}, SIMULATED")
        self._tell(2)

    def _progress(self, attempt: Attempt, trial: Trial | None) -> None:
        if attempt.ended:
            checks = len(trial.checks) if trial else 0
            word = f"{attempt.get_state_display().lower()}, {checks} checks"
            self._say(f"{attempt.scenario} {attempt.title}: {word}")

    def _cases(self) -> None:
        self._tell(3)
        lines = edge_cases.matrix(catalogue.load().all(), edge_cases.newest_attempts())
        for line in lines:
            label = " (SIMULATED)" if line.simulated_only else ""
            self._say(f"{line.case.number:>2} {line.case.title}: {line.coverage.lower()}{label}")

    def _report(self, session: Session) -> None:
        self._tell(4)
        for category, (good, total) in _by_category(session).items():
            self._say(f"{category}: {good} of {total}")
        self._say(f"{len(reports.markdown(session).splitlines())} lines, as Markdown and HTML")

    def _connections(self, began: Any) -> tuple[int, int]:
        """Return how many connections proved an account since then, and how many elsewhere."""
        proofs = AccountProof.objects.filter(at__gte=began).select_related("endpoint")
        here = [_simulated(proof) for proof in proofs]
        return len(here), here.count(False)

    def _tell(self, number: int) -> None:
        if self._pause and number > 2:  # the second begins while the session is under way
            input("Enter to go on … ")
        self._say(f"\n{number} of {len(STEPS)}. {STEPS[number - 1]}\n")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _simulated(proof: AccountProof) -> bool:
    if proof.endpoint is None:
        return LOOPBACK in proof.target
    return proof.endpoint.kind == Endpoint.Kind.SIMULATED


def _by_category(session: Session) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for attempt in Facts(session).counted:
        good, total = found.get(attempt.category, (0, 0))
        found[attempt.category] = good + (attempt.state == AttemptState.PASSED), total + 1
    return found
