"""What Celery calls: each task loads and makes one call; the database decides what happens."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from contextvars import copy_context

from asgiref.sync import async_to_sync
from celery import shared_task
from celery.signals import worker_ready
from django.conf import settings
from django.db import connection

from crucible.alerts.raising import raise_alert, resolve
from crucible.ledger import backup
from crucible.ledger.verification import verify
from validation import evaluating, packages, rolling, runner, sweeper
from validation.lease import claim

logger = logging.getLogger(__name__)


@shared_task(max_retries=0, ignore_result=True)
def execute_session(number: str) -> None:
    """Run a waiting session; a message that comes twice, late or out of order changes nothing."""
    lease = claim(number, f"{socket.gethostname()}:{os.getpid()}")
    if lease is None:
        logger.info("%s is not waiting any more", number)
        return
    async_to_sync(runner.run)(lease)


@shared_task(name="validation.tasks.sweep", max_retries=0, ignore_result=True)
def sweep() -> None:
    """Look for what was left behind, and again the moment that the next lease ends."""
    again = sweeper.sweep(apart=_beside)
    if again is not None:
        sweep.apply_async(countdown=again, retry=False)


def _beside(work: Callable[[], object]) -> threading.Thread:
    """Start work that may take minutes: the next rounds must not wait for it.

    Should the process end meanwhile, the clean-up's lease ends, and another round does it again.
    """

    def body() -> None:
        try:
            work()
        finally:
            connection.close()

    # It goes on under the id of the round that found the work.
    thread = threading.Thread(target=copy_context().run, args=[body], daemon=True)
    thread.start()
    return thread


@worker_ready.connect
def tell_of_packages(**_: object) -> None:
    """A worker has started: packages of scenarios that it had to leave out raise an alert."""
    packages.tell()


@shared_task(max_retries=0, ignore_result=True)
def judge_rules() -> None:
    """Look at the rules of alerts and kill switch."""
    evaluating.evaluate()


@shared_task(max_retries=0, ignore_result=True)
def check_calendar() -> None:
    """See that the exchange's days are known far enough ahead."""
    evaluating.check_calendar()


@shared_task(max_retries=0, ignore_result=True)
def roll_weekly_expiry() -> None:
    """Bring the weekly expiry up to date, verified in the broker's option chain."""
    logger.info(rolling.roll().text)


@shared_task(max_retries=0, ignore_result=True)
def verify_audit() -> None:
    """Read the whole audit log; one that is not intact raises an alert until it is."""
    found = verify()
    if found.intact:
        resolve("audit", actor="scheduler")
        logger.info("audit log: %s", found.text)
    else:
        raise_alert(
            "audit", "The audit log is not what was written", found.text, severity="CRITICAL"
        )


@shared_task(max_retries=0, ignore_result=True)
def back_up() -> None:
    """Make the evening's backup; one that fails raises an alert until one succeeds."""
    try:
        made = backup.make(settings.BACKUP_DIR, actor="scheduler")
    except backup.BackupError as error:
        raise_alert("backup", "No backup was made", str(error), severity="WARNING")
        return
    resolve("backup", actor="scheduler")
    logger.info("backup %s", made.path)
