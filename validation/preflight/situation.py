"""What a preflight knows of gateway, host and plan when it judges; plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from validation.build import UNKNOWN
from validation.configuration import Config
from validation.host_load import HostLoad


@dataclass(frozen=True)
class Bot:
    """The bot's newest uploaded configuration: its number, digest, and values by their paths."""

    number: int
    sha256: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What is to run, where, and what the product itself says of it.

    `config` is None with `config_error` when the pinned revision can't be read; `upload` is the
    state of the test report of this version: None when there is none. `events` are the desk's list
    of today's in New York.
    """

    now: datetime
    full: bool = True
    simulated: bool = False
    always_open: bool = False
    speed: float = 1.0
    host: str = "127.0.0.1"
    port: int = 4002
    two_hours: bool = False
    wants_hours: bool = True
    wants_orders: bool = True
    config: Config | None = None
    config_error: str = ""
    config_number: int = 0
    expected_account: str = ""
    code_version: str = ""
    upload_green: bool | None = None
    upload_text: str = ""
    kill_state: str = "ARMED"
    kill_reason: str = ""
    observes: bool = False
    observe_s: float = 0.0
    bot: Bot | None = None
    events: tuple[str, ...] = ()
    attested: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """One answer to a request for the time: real UNIX seconds here and there, round trip in ms."""

    local: float
    reported: float
    rtt_ms: float


@dataclass(frozen=True)
class GatewayLook:
    """What was seen of the gateway; None, or empty, where nothing was seen.

    `unsafe` is the text of a safety violation: the session must stop. `open_refs` are the order
    references of working orders, empty text for one without. `vix_type` is the broker's number for
    the kind of data that `vix` is.
    """

    port_ms: float | None = None
    port_error: str = ""
    live_ports: tuple[int, ...] = ()
    connected: bool = False
    error: str = ""
    unsafe: str = ""
    ids_in_use: bool = False
    client_id: int = 0
    first_id: int = 0
    server_version: int = 0
    accounts: tuple[str, ...] = ()
    samples: tuple[Sample, ...] = ()
    unanswered: int = 0
    net_liquidation: float | None = None
    positions: tuple[tuple[str, float], ...] | None = None
    open_refs: tuple[str, ...] | None = None
    data_type: int | None = None
    quote_usable: bool = True
    quote_text: str = ""
    vix: float | None = None
    vix_type: int = 0
    expirations: tuple[str, ...] | None = None
    strikes: tuple[float, ...] = ()
    spot: float | None = None


@dataclass(frozen=True)
class HostLook:
    """What was seen of the host and of the product's own parts; None where it can't be read.

    `load` is how busy the machine was in the last minute.
    `audit_error` is why no entry of the audit log can be written: empty when one can, None when
    nobody tried. `code_version` is of the process that looks and will run the session.
    `heartbeat_s` is the age of the last sign of life of scheduler and worker; a
    `foreground` session runs in a person's shell, without them.
    """

    load: HostLoad = field(default_factory=HostLoad)
    free_gb: float | None = None
    database_ms: float | None = None
    broker_error: str | None = None
    heartbeat_s: float | None = None
    foreground: bool = False
    backup_h: float | None = None
    override_file: str = ""
    trading_mode: str = ""
    missing_commands: tuple[str, ...] = ()
    audit_error: str | None = None
    status_page: str = ""
    exposed: bool = False
    exposed_text: str = ""
    code_version: str = UNKNOWN


@dataclass(frozen=True)
class Situation:
    """All of it."""

    plan: Plan
    gateway: GatewayLook = field(default_factory=GatewayLook)
    host: HostLook = field(default_factory=HostLook)


def drift(samples: tuple[Sample, ...]) -> float | None:
    """Return by how many seconds our clock is ahead of the gateway's at least; None without any.

    The gateway tells whole seconds, and an answer may have spent its round trip on either way: each
    sample bounds the difference, together they narrow it.
    """
    if not samples:
        return None
    low = max(one.local - one.reported - 1.0 - one.rtt_ms / 2000 for one in samples)
    high = min(one.local - one.reported + one.rtt_ms / 2000 for one in samples)
    if low <= 0 <= high or low > high:
        return 0.0
    return low if low > 0 else high
