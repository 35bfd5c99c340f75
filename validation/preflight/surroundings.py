"""Read the host and the product's own parts: load, memory, disk, database, broker, heartbeats."""

import os
import shutil
import time
from pathlib import Path

from django.conf import settings
from django.core.management import get_commands
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from crucible.ledger import backup
from crucible.ledger.record import record
from crucible.live.publish import broker_error
from validation.build import code_version
from validation.host_load import HostLoad, carried, carry, machine, sample
from validation.models import Heartbeat
from validation.preflight.situation import HostLook

OVERRIDE_FILE = "ibkr_live_trading_confirmed.txt"
COMMANDS = ("check_gateway_connection", "healthcheck")
SCHEDULER = "scheduler"
LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]", "testserver"}


def look_around(*, foreground: bool = False) -> HostLook:
    """Return what is seen from this process; `foreground` when it is a person's shell."""
    exposed = not settings.HTTPS and not set(settings.ALLOWED_HOSTS) <= LOCAL_HOSTS
    return HostLook(
        load=host_now(),
        free_gb=_free_gb(),
        database_ms=database_ms(),
        broker_error=None if foreground else broker_error(),
        heartbeat_s=heartbeat_age(),
        foreground=foreground,
        backup_h=backup_age(),
        override_file=_override(),
        audit_error=audit_error(),
        trading_mode=os.environ.get("TRADING_MODE", "").strip(),
        missing_commands=tuple(name for name in COMMANDS if name not in get_commands()),
        status_page=settings.BROKER_STATUS_URL,
        exposed=exposed,
        exposed_text=_exposure(exposed=exposed),
        code_version=code_version(),
    )


def host_now() -> HostLoad:
    """Return how busy this machine was in the last minute, by what the heartbeat carries."""
    content = Heartbeat.objects.filter(name=SCHEDULER).values_list("host", flat=True).first()
    return carried(content or {}, machine(), time.time())


def _free_gb() -> float | None:
    try:
        return shutil.disk_usage(settings.VAR_DIR).free / 1e9
    except OSError:
        return None


def database_ms() -> float:
    """Return how long the database took to answer, in ms; raises DatabaseError."""
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return (time.perf_counter() - began) * 1000


def audit_error() -> str:
    """Write an entry of the audit log and take it back; return why it can't be, if so."""
    try:
        with transaction.atomic():
            record("audit.tried", "ledger", "trial", actor="preflight")
            transaction.set_rollback(True)
    except DatabaseError as error:
        return str(error)[:300] or type(error).__name__
    return ""


def heartbeat_age() -> float | None:
    """Return how many seconds ago the scheduler's work was last done; None if it never was."""
    last = Heartbeat.objects.filter(name=SCHEDULER).values_list("at", flat=True).first()
    return None if last is None else max((timezone.now() - last).total_seconds(), 0.0)


def beat() -> None:
    """Note that scheduler and worker are alive, and how busy the worker's machine is."""
    before = Heartbeat.objects.filter(name=SCHEDULER).values_list("host", flat=True).first()
    host = carry(before or {}, machine(), sample())
    Heartbeat.objects.update_or_create(
        name=SCHEDULER, defaults={"at": timezone.now(), "host": host}
    )


def backup_age() -> float | None:
    """Return how many hours ago the last backup was made; None if its file is not there."""
    last = backup.newest()
    if last is None or not last.there:
        return None
    return max((timezone.now() - last.at).total_seconds(), 0.0) / 3600


def _override() -> str:
    for folder in (Path.home(), Path(settings.BASE_DIR)):
        if (folder / OVERRIDE_FILE).exists():
            return str(folder / OVERRIDE_FILE)
    return ""


def _exposure(*, exposed: bool) -> str:
    if exposed:
        return "Served to other hosts without HTTPS."
    return "HTTPS is on." if settings.HTTPS else "Served to this host only."
