"""Run a validation session in the foreground; exit 0 for a success, 1 if not, 2 for trouble."""

import logging
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.management import BaseCommand, CommandError
from django.db import close_old_connections

from brokerage.errors import PortError
from brokerage.models import Endpoint
from validation import database, finishing, foreground, log_stream, sessions
from validation.artefacts.junit import junit
from validation.facts import Facts
from validation.models import Attempt, AttemptState, LogLevel, Session, SessionState
from validation.observation import Term
from validation.scenarios.catalogue import UnknownScenarioError
from validation.scenarios.trial import Trial
from validation.sessions import SessionRefused

TROUBLE, NOT_PASSED = 2, 1
MARKS = {AttemptState.PASSED: "✔", AttemptState.SKIPPED: "–"}


class Command(BaseCommand):
    """Progress line by line; with --junit the results as a file for a pipeline."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to run, where, and for whom."""
        parser.add_argument(
            "--scenario", nargs="+", action="extend", metavar="ID", help="only these scenarios"
        )
        parser.add_argument(
            "--endpoint",
            metavar="NAME",
            help="the gateway; without: the default one if it answers (a broker's: with --user "
            "only), else a private simulation",
        )
        parser.add_argument("--speed", type=float, help="speed of the private simulated gateway")
        parser.add_argument("--seed", type=int, help="seed of the private simulated gateway")
        parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML here")
        parser.add_argument(
            "--observe", type=float, metavar="SECONDS",
            help="send nothing, and watch a bot that trades on the gateway's account",
        )  # fmt: skip
        parser.add_argument("--client", type=int, metavar="ID", help="with --observe: the bot's id")
        parser.add_argument("--fail-fast", action="store_true", help="stop at the first failure")
        parser.add_argument(
            "--log-level", choices=LogLevel.values, default=LogLevel.INFO.value,
            help="DEBUG: keep every message on the wire, too",
        )  # fmt: skip
        parser.add_argument(
            "--two-hours", action="store_true",
            help="go on until the watch has seen two hours of the session (X-02)",
        )  # fmt: skip
        parser.add_argument(
            "--verbose", action="store_true", help="keep everything, and print the session's log"
        )
        parser.add_argument(
            "--user",
            metavar="NAME",
            help="the person who answers for it; without one the session can never be signed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, print, and end with the exit code."""
        if wrong := database.unready():
            raise CommandError(wrong, returncode=TROUBLE)
        order = self._order(options)
        endpoint = self._endpoint(options)
        before = signal.getsignal(signal.SIGINT)
        self._session: Session | None = None
        try:
            self._listen()
            session = self._run(order, endpoint)
        except (SessionRefused, UnknownScenarioError, PermissionDenied, PortError) as error:
            raise CommandError(str(error), returncode=TROUBLE) from error
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, before)
        if options["junit"]:
            self._write(options["junit"], junit(Facts(session)))
        self._sum_up(session)

    def _order(self, options: dict[str, Any]) -> foreground.Order:
        speed = options["speed"] or 25.0
        if not 1 <= speed <= 1000:
            raise CommandError("--speed: from 1 to 1000", returncode=TROUBLE)
        name = options["user"]
        user = User.objects.filter(username=name).first() if name else foreground.service_user()
        if user is None:
            raise CommandError(f"There is no user {name}.", returncode=TROUBLE)
        return foreground.Order(
            by=user, scenarios=options["scenario"], fail_fast=options["fail_fast"],
            speed=speed, seed=7 if options["seed"] is None else options["seed"],
            signable=bool(name), term=self._term(options), log_level=self._log_level(options),
            two_hours=options["two_hours"],
        )  # fmt: skip

    def _log_level(self, options: dict[str, Any]) -> str:
        if not options["verbose"]:
            return str(options["log_level"])
        # At a terminal the lines of a session are not shown otherwise: progress is.
        log_stream.logger.setLevel(logging.DEBUG)
        return LogLevel.DEBUG

    def _term(self, options: dict[str, Any]) -> Term | None:
        if options["observe"] is None:
            return None
        return Term(options["observe"], options["client"])

    def _endpoint(self, options: dict[str, Any]) -> Endpoint | None:
        """Return the gateway to use, or None for a private simulated one."""
        if name := options["endpoint"]:
            endpoint = Endpoint.objects.filter(name=name).first()
            if endpoint is None:
                raise CommandError(Endpoint.unknown(name), returncode=TROUBLE)
            if not foreground.reachable(endpoint):
                raise CommandError(
                    f"Nothing listens at {endpoint.host}:{endpoint.port}. Start the gateway.",
                    returncode=TROUBLE,
                )
            return endpoint
        if options["speed"] or options["seed"] is not None:
            return None
        default = Endpoint.objects.filter(is_default=True).first()
        # Nobody's orders go to a broker: without a person it takes a simulated one.
        named = options["user"] or options["observe"] is not None
        if default is not None and (named or default.simulated) and foreground.reachable(default):
            return default
        if options["observe"] is not None:
            raise CommandError(
                "Nobody trades at a private simulation: name a gateway with --endpoint.",
                returncode=TROUBLE,
            )
        return None

    def _run(self, order: foreground.Order, endpoint: Endpoint | None) -> Session:
        if endpoint is None:
            return foreground.privately(order, self._started, self._progress)
        run = async_to_sync(foreground.on_endpoint)
        return run(order, endpoint, self._started, self._progress)

    def _started(self, session: Session) -> None:
        label = " SIMULATED" if session.simulated else ""
        self._say(f"{session.number} on {session.endpoint_name}{label}, {session.planned} planned")
        self._session = session

    def _listen(self) -> None:
        """Let the first Ctrl-C end the session in order; a second one ends the process."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._on_interrupt)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        # A database can't be used inside a signal handler: the thread does it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if self._session is not None and self._session.observes:
            self._say("Ending the observation: a last look, and the comparison …")
        else:
            self._say("Stopping: own orders are cancelled and positions closed …")
        if self._session is not None:
            Thread(target=_stop, args=(self._session.pk,)).start()

    def _progress(self, attempt: Attempt, trial: Trial | None) -> None:
        if not attempt.ended:
            return
        mark = MARKS.get(AttemptState(attempt.state), "✘")
        seconds = f"{(attempt.duration_ms or 0) / 1000:6.1f} s"
        word = "" if mark == "✔" else f"  {attempt.get_state_display().upper()}: {attempt.reason}"
        self._say(f"{mark} {attempt.scenario} {attempt.slug:<40}{seconds}{word}")
        if trial is not None and mark == "✘":
            for check in trial.checks:
                sign = "✔" if check.passed else "✘" if check.required else "!"
                self._say(f"    {sign} {check.name}: expected {check.expected}, {check.actual}")

    def _sum_up(self, session: Session) -> None:
        passed = session.attempts.filter(state=AttemptState.PASSED).count()
        text = f"{passed} of {session.planned} passed. {session.number} is {session.state}."
        trouble = foreground.trouble(session)
        if passed < session.planned or trouble:
            others = session.attempts.exclude(state=AttemptState.PASSED)
            told = (f"{one.scenario} {one.state}: {one.reason}".rstrip(": ") for one in others)
            text = "\n".join([f"{text} {trouble}".rstrip(), *told])
            raise CommandError(text, returncode=NOT_PASSED)
        self._say(text)

    def _write(self, path: Path, text: str) -> None:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"--junit: {error}", returncode=TROUBLE) from error

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _stop(pk: int) -> None:
    session = Session.objects.get(pk=pk)
    try:
        if session.observes and session.state == SessionState.RUNNING:
            finishing.finish(session, session.created_by, trusted=True)
        else:
            sessions.abort(session, session.created_by, "Stopped at the terminal.", trusted=True)
    except SessionRefused:
        # It has ended meanwhile.
        return
    finally:
        close_old_connections()
