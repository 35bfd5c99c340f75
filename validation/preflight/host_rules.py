"""The checks of configuration, host and product: HP-08 to 13, 19 to 22, 24, 27 to 32."""

from brokerage.calendar import ET, CalendarNotCoveredError, next_weekly_expiry
from brokerage.terms import PAPER_PORTS, place
from validation.build import UNKNOWN
from validation.configuration import Config
from validation.preflight.judging import Found, V, health
from validation.preflight.situation import Situation
from validation.scenarios.strikes import strikes_in_range

HEARTBEAT_LIMIT_S = 60.0
BACKUP_LIMIT_H = 24.0
LEAST_GB, GO_LIVE_GB = 5.0, 10.0
MOST_LOAD, MOST_MEMORY = 0.50, 0.70


@health(
    "HP-08", "Configuration", "Configuration present and valid", "satisfies the schema",
    remedy="Import a valid configuration, have it approved and put it in force.", blocks=True,
)  # fmt: skip
def config_valid(look: Situation) -> Found:
    """The revision that the session is pinned to can be read."""
    if look.plan.config is None:
        return Found(V.BLOCK, look.plan.config_error or "There is none.")
    return Found(V.PASS, f"Revision {look.plan.config_number} is valid.")


@health(
    "HP-09", "Configuration", "The port is a paper port", "4002 or 7497, as configured",
    remedy="Give endpoint and configuration the same host, and the same port: 4002 or 7497.",
    blocks=True,
)  # fmt: skip
def paper_port(look: Situation) -> Found:
    """The gateway is at the configured address and a paper port, or it is a simulated one."""
    plan = look.plan
    if plan.simulated:
        return Found(V.PASS, f"{plan.port}, a simulated gateway's.")
    if plan.port not in PAPER_PORTS:
        return Found(V.BLOCK, f"{plan.port}.")
    wanted = plan.config.gateway if plan.config else None
    if wanted and (place(plan.host), plan.port) != (place(wanted.host), wanted.port):
        found = f"{plan.host}:{plan.port}, but {wanted.host}:{wanted.port} is configured."
        return Found(V.BLOCK, found)
    return Found(V.PASS, f"{plan.host}:{plan.port}.")


@health(
    "HP-10", "Configuration", "Weekly expiry and strike", "the next expiry, a strike; both listed",
    remedy="Run `manage.py update_weekly_expiry`, or approve the revision that waits.",
    blocks=True,
)  # fmt: skip
def expiry(look: Situation) -> Found:
    """The expiry follows the rule, and the broker lists it and a strike in the rule's range."""
    if look.plan.config is None:
        return Found(V.UNKNOWN, "The configuration can't be read.")
    have = look.plan.config.test_contracts.spy_weekly_call.expiry
    try:
        wanted = f"{next_weekly_expiry(look.plan.now.astimezone(ET).date()):%Y%m%d}"
    except CalendarNotCoveredError as error:
        return Found(V.UNKNOWN, str(error))
    if have != wanted:
        return Found(V.BLOCK, f"{have or 'None'}; the rule gives {wanted}.")
    listed = look.gateway.expirations
    if listed is None:
        return Found(V.UNKNOWN, f"{have}; the option chain could not be read.")
    if have not in listed:
        return Found(V.BLOCK, f"{have} is not in the broker's option chain.")
    return _strike(look, look.plan.config, have)


def _strike(look: Situation, config: Config, have: str) -> Found:
    """Whether the chain has a strike for the test contract; only orders need one."""
    rule, spot = config.test_contracts.spy_weekly_call, look.gateway.spot
    span = f"{rule.otm_min:.0%} to {rule.otm_max:.0%} above the price"
    if spot is None:
        verdict = V.UNKNOWN if look.plan.wants_orders else V.PASS
        return Found(verdict, f"{have}, listed; without a price no strike {span} can be told.")
    count = len(strikes_in_range(look.gateway.strikes, spot, rule))
    if not count:
        return Found(V.BLOCK, f"{have} is listed, but no strike {span} of {spot:g}.")
    return Found(V.PASS, f"{have}, listed by the broker, with {count} strikes {span}.")


@health(
    "HP-11", "Configuration", "Time-outs suit a live environment", "30 s or more",
    remedy="Raise the gateway's and the historical time-out in the configuration.",
)  # fmt: skip
def timeouts(look: Situation) -> Found:
    """The gateway's and the historical time-outs."""
    config = look.plan.config
    if config is None:
        return Found(V.UNKNOWN, "The configuration can't be read.")
    least = min(config.gateway.timeout, config.thresholds.historical_timeout_seconds)
    return Found(V.PASS if least >= 30 else V.WARN, f"The shortest is {least:g} s.")


@health(
    "HP-12", "Host", "Processor and memory to spare",
    f"processors below {MOST_LOAD:.0%}, memory below {MOST_MEMORY:.0%}, over a minute",
    remedy="End what else works on the worker's host.",
)  # fmt: skip
def resources(look: Situation) -> Found:
    """The worker's host has room."""
    load = look.host.load
    if load.processors is None or load.memory is None:
        return Found(V.UNKNOWN, load.why or "Nobody looked.")
    text = f"Processors {load.processors:.0%}, memory {load.memory:.0%} in the last minute."
    room = load.processors < MOST_LOAD and load.memory < MOST_MEMORY
    return Found(V.PASS if room else V.WARN, text)


@health(
    "HP-13", "Host", "Disk space", "5 GB free; 10 GB for a go-live",
    remedy="Free space where the product keeps its data.", blocks=True, soft=True,
)  # fmt: skip
def disk(look: Situation) -> Found:
    """The disk that takes the evidence has room."""
    free = look.host.free_gb
    if free is None:
        return Found(V.UNKNOWN, "Free space can't be read on this system.")
    verdict = V.BLOCK if free < LEAST_GB else V.WARN if free < GO_LIVE_GB else V.PASS
    return Found(verdict, f"{free:.1f} GB free.")


@health(
    "HP-24", "Host", "No way to live trading is open", "no override file, mode is paper",
    remedy="Remove the override file, and set TRADING_MODE to paper on the worker's host.",
    blocks=True,
)  # fmt: skip
def override(look: Situation) -> Found:
    """Neither the bot's override file nor its environment says live."""
    host = look.host
    if host.override_file:
        return Found(V.BLOCK, f"{host.override_file} exists.")
    if host.trading_mode.lower() not in {"", "paper"}:
        return Found(V.BLOCK, f"TRADING_MODE is {host.trading_mode}.")
    mode = host.trading_mode or "not set, which means paper"
    return Found(V.PASS, f"No override file; TRADING_MODE is {mode}.")


@health(
    "HP-19", "Product", "Kill switch armed", "ARMED",
    remedy="Find the root cause; two people reset the switch.", blocks=True,
)  # fmt: skip
def kill_switch(look: Situation) -> Found:
    """The switch permits opening orders."""
    state, why = look.plan.kill_state, look.plan.kill_reason
    text = f"{state.replace('_', ' ').lower()}{': ' + why if why else ''}."
    if look.plan.observes and state != "ARMED":
        return Found(V.WARN, f"{text.capitalize()} An observing session sends no order.")
    return Found(V.PASS if state == "ARMED" else V.BLOCK, text.capitalize())


@health(
    "HP-20", "Product", "Audit log writable", "an entry can be written",
    remedy="Check the database: nothing runs that can't be recorded.", blocks=True,
)  # fmt: skip
def audit(look: Situation) -> Found:
    """An entry was written on trial, and taken back."""
    error = look.host.audit_error
    if error is None:
        return Found(V.UNKNOWN, "No entry was tried.")
    return Found(V.BLOCK, f"No: {error}") if error else Found(V.PASS, "Written on trial.")


@health(
    "HP-20B", "Product", "A backup exists", "24 hours old at most",
    remedy="Run `manage.py backup_audit`, and see that the scheduler does each evening.",
)  # fmt: skip
def backup(look: Situation) -> Found:
    """How old the last backup is."""
    age = look.host.backup_h
    if age is None:
        return Found(V.UNKNOWN, "No backup is known to the product, or its file is gone.")
    return Found(V.PASS if age <= BACKUP_LIMIT_H else V.WARN, f"{age:.1f} hours old.")


@health(
    "HP-21", "Product", "Database, broker, workers, scheduler", "signs of life within 60 s",
    remedy="Start Redis, the workers and the scheduler (beat).", blocks=True, soft=True,
)  # fmt: skip
def parts(look: Situation) -> Found:
    """Every part of the product answers, or has done so lately."""
    host = look.host
    database = f"Database answers in {host.database_ms or 0:.0f} ms."
    if host.foreground:
        return Found(V.PASS, f"{database} The session runs in this shell, without workers.")
    if host.broker_error:
        return Found(V.BLOCK, f"{database} The message broker does not: {host.broker_error}")
    if host.heartbeat_s is None:
        return Found(V.UNKNOWN, f"{database} The scheduler has not given a sign of life yet.")
    text = f"{database} The scheduler's last sign of life is {host.heartbeat_s:.0f} s old."
    return Found(V.PASS if host.heartbeat_s <= HEARTBEAT_LIMIT_S else V.BLOCK, text)


@health(
    "HP-22", "Product", "Automated tests are green", "a green report of this version",
    remedy="Send the test report of this commit to /api/v1/ci/uploads.", blocks=True, soft=True,
)  # fmt: skip
def tests_green(look: Situation) -> Found:
    """A full session rests on tests that passed; others may run without."""
    plan = look.plan
    if plan.upload_green:
        return Found(V.PASS, plan.upload_text)
    none = f"No report of {plan.code_version[:12] or 'this version'} was sent."
    text = none if plan.upload_green is None else plan.upload_text
    return Found(V.BLOCK if plan.full else V.WARN, text)


@health(
    "HP-22V", "Product", "The worker runs the session's version", "the one it is pinned to",
    remedy="Let every process run one version (CRUCIBLE_CODE_VERSION), then make the preflight "
    "again; of a session that has begun, start a new one.",
)  # fmt: skip
def same_version(look: Situation) -> Found:
    """What runs is the code that test report, tag and signature of the session speak of."""
    pinned, runs = look.plan.code_version, look.host.code_version
    if runs != pinned:
        return Found(V.BLOCK, f"This worker runs {runs[:12]}, the session is of {pinned[:12]}.")
    if runs == UNKNOWN:
        return Found(V.UNKNOWN, "Nobody has said which version runs here.")
    return Found(V.PASS, f"Both are {runs[:12]}.")


@health("HP-27", "Product", "Liveness", "/healthz answers", remedy="Restart the web process.")
def liveness(look: Situation) -> Found:
    """What /healthz asks: does the database answer."""
    took = look.host.database_ms
    if took is None:
        return Found(V.UNKNOWN, "The database was not asked.")
    return Found(V.PASS, f"What /healthz asks is answered in {took:.0f} ms.")


@health(
    "HP-28", "Product", "Detailed health", "/api/v1/health",
    remedy="Read /api/v1/health and start what is away.",
)  # fmt: skip
def detailed(look: Situation) -> Found:
    """What /api/v1/health would say now."""
    verdict, text = parts(look)
    return Found(V.WARN if verdict == V.BLOCK else verdict, text)


@health(
    "HP-29", "Product", "Commands for the terminal", "healthcheck, check_gateway_connection",
    remedy="Install the product completely.",
)  # fmt: skip
def commands(look: Situation) -> Found:
    """The two commands are installed."""
    missing = look.host.missing_commands
    if missing:
        return Found(V.WARN, f"Missing: {', '.join(missing)}.")
    return Found(V.PASS, "Both are installed.")


@health(
    "HP-30", "Gateway", "Connection check in three lines", "connection, account, time",
    remedy="Run `manage.py check_gateway_connection` and follow what it says.",
)  # fmt: skip
def connection_check(look: Situation) -> Found:
    """What check_gateway_connection would print."""
    gateway = look.gateway
    if not gateway.connected or not gateway.samples:
        return Found(V.UNKNOWN, "No connection, so no three lines.")
    first = gateway.samples[0].rtt_ms
    text = f"Connected, {', '.join(gateway.accounts)}, time told in {first:.0f} ms."
    return Found(V.PASS, text)


@health(
    "HP-31", "Gateway", "The broker's status page", "a link for the person on duty",
    remedy="Set BROKER_STATUS_URL.",
)  # fmt: skip
def status_page(look: Situation) -> Found:
    """Where a person sees whether the broker itself has trouble."""
    page = look.host.status_page
    return Found(V.PASS, page) if page else Found(V.WARN, "No address is set.")


@health(
    "HP-32", "Host", "Protected where it can be reached", "sign-in always; HTTPS from outside",
    remedy="Set CRUCIBLE_HTTPS, or serve on this host only.",
)  # fmt: skip
def protected(look: Situation) -> Found:
    """Every page and the API ask for a sign-in or a token; from outside it must be encrypted."""
    return Found(V.WARN if look.host.exposed else V.PASS, look.host.exposed_text)
