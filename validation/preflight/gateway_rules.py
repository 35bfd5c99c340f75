"""The checks of gateway, account and market: HP-01 to HP-07, HP-14 to HP-18, HP-23, 25, 26, 33."""

import re
from datetime import timedelta
from statistics import fmean, median

from brokerage.calendar import CalendarNotCoveredError, is_regular_hours, order_window_open
from validation.configuration import Config
from validation.preflight.judging import Found, V, attested, health, simulated, verdict_by
from validation.preflight.situation import Situation, drift

PORT_LIMIT_MS = 2000.0
OWN_ORDERS = "prelive_"
LIVE, FROZEN = 1, 2
HIGH_VIX = 30.0
NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
CLOCK_OR_DATE = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?|\d{4}-\d{2}-\d{2}")
# The broker's numbers for the kinds of market data.
DATA_TYPES = {1: "live", 2: "frozen", 3: "delayed", 4: "delayed and frozen"}
START = "Start the gateway, log it in with the paper user, and check host and port."
PAPER_LOGIN = "Log the gateway out, log it in with the paper user, then check again."


@health("HP-01", "Gateway", "Gateway port reachable", "within 2 s", remedy=START, blocks=True)
def port_reachable(look: Situation) -> Found:
    """A socket opens in time."""
    gateway = look.gateway
    if gateway.port_ms is None:
        return Found(V.BLOCK, gateway.port_error or "Nothing answered.")
    late = gateway.port_ms > PORT_LIMIT_MS
    return Found(V.BLOCK if late else V.PASS, f"Open after {gateway.port_ms:.0f} ms.")


@health("HP-26", "Gateway", "Firewall lets the port through", "as HP-01", remedy=START, blocks=True)
def firewall(look: Situation) -> Found:
    """A port that opens is not blocked."""
    verdict, _ = port_reachable(look)
    text = f"Port {look.plan.port} is open." if verdict == V.PASS else "Nothing comes through."
    return Found(verdict, text)


@health(
    "HP-02", "Gateway", "API handshake and paper proof", "every account is paper and configured",
    remedy=PAPER_LOGIN, blocks=True,
)  # fmt: skip
def handshake(look: Situation) -> Found:
    """The gateway shook hands, and its account is paper and the configured one."""
    gateway = look.gateway
    if not gateway.connected:
        return Found(V.BLOCK, gateway.unsafe or gateway.error or "No connection was made.")
    wanted = look.plan.expected_account
    if not wanted and not look.plan.simulated:
        return Found(V.BLOCK, "paper_trading.expected_account is not configured.")
    if wanted and set(gateway.accounts) != {wanted}:
        return Found(V.BLOCK, f"{', '.join(gateway.accounts)}, not {wanted} alone as expected.")
    text = f"Paper: {', '.join(gateway.accounts)}; server version {gateway.server_version}."
    return Found(V.PASS, text)


@health(
    "HP-02P", "Gateway", "PAPER label seen", "by a person, for this session", blocks=True,
    remedy="Look at the gateway's window or the broker's portal; attest here what you saw.",
)  # fmt: skip
def paper_label(look: Situation) -> Found:
    """Before a full session trades, a person has seen with own eyes that the account is paper."""
    if look.plan.simulated:
        return simulated("Its pages carry the label SIMULATED.")
    said = attested(look, "HP-02P")
    if said.verdict == V.PASS or not look.plan.full:
        return said
    return Found(V.BLOCK, "Nobody has said so for this session.")


@health(
    "HP-03", "Gateway", "No live gateway beside it", "4001 and 7496 are closed",
    remedy="Close the live gateway on this host, or make sure that nobody can mistake it.",
)  # fmt: skip
def live_ports(look: Situation) -> Found:
    """Nothing listens where a live gateway would."""
    found = look.gateway.live_ports
    if found:
        ports = " and ".join(map(str, found))
        return Found(V.WARN, f"Something listens on {ports} of {look.plan.host}.")
    return Found(V.PASS, f"Nothing listens there on {look.plan.host}.")


@health(
    "HP-04", "Gateway", "Clock synchronised", "off by 2 s at most, unless less is configured",
    remedy="Synchronise the clock of the worker's host (NTP), then check again.", blocks=True,
)  # fmt: skip
def clock(look: Situation) -> Found:
    """Our clock and the gateway's agree, in both directions."""
    if look.plan.simulated:
        return simulated(f"The gateway keeps a clock of its own, at {look.plan.speed:g}× speed.")
    off = drift(look.gateway.samples)
    if off is None:
        return Found(V.UNKNOWN, "The gateway did not tell its time.")
    limits = (look.plan.config or Config()).thresholds
    late = abs(off) > limits.clock_drift_fail_seconds
    verdict = V.BLOCK if late else V.WARN if abs(off) > limits.clock_drift_warn_seconds else V.PASS
    return Found(verdict, f"Off by {off:+.1f} s against the gateway's time.")


@health(
    "HP-05", "Gateway", "Latency of the gateway", "below 50 ms; 100 ms blocks",
    remedy="Look for load on gateway and worker hosts, and for a slow network between them.",
    blocks=True, soft=True,
)  # fmt: skip
def latency(look: Situation) -> Found:
    """The average round trip of a request for the time."""
    times = sorted(sample.rtt_ms for sample in look.gateway.samples)
    if not times:
        return Found(V.UNKNOWN, "No request was answered.")
    p95 = times[min(len(times) - 1, round(0.95 * len(times)))]
    text = f"{fmean(times):.1f} ms on average, median {median(times):.1f}, p95 {p95:.1f} ms."
    return Found(verdict_by(fmean(times), warn=50, block=100), text)


@health(
    "HP-06", "Gateway", "No request is lost", "0 unanswered",
    remedy="Check the network between worker and gateway.",
)  # fmt: skip
def loss(look: Situation) -> Found:
    """Every request was answered."""
    lost, answered = look.gateway.unanswered, len(look.gateway.samples)
    if not lost + answered:
        return Found(V.UNKNOWN, "No request could be sent.")
    text = f"{lost} of {lost + answered} requests without an answer."
    return Found(V.WARN if lost else V.PASS, text)


@health(
    "HP-25", "Gateway", "Client id is free", "one of the scenarios' ids",
    remedy="Close the other client, or wait a minute until the gateway has noticed its end.",
    blocks=True,
)  # fmt: skip
def client_id(look: Situation) -> Found:
    """The gateway gave us a client id of the scenarios' range."""
    gateway = look.gateway
    if gateway.ids_in_use:
        return Found(V.BLOCK, "All client ids of the scenarios are in use.")
    if not gateway.connected:
        return Found(V.UNKNOWN, "No connection was made.")
    verdict = V.PASS if gateway.client_id == gateway.first_id else V.WARN
    taken = "" if verdict == V.PASS else f", {gateway.first_id} is in use"
    return Found(verdict, f"Client id {gateway.client_id}{taken}.")


@health(
    "HP-33", "Gateway", "No reset of the broker", "none until the session's end",
    remedy="Start after the broker's reset window.", blocks=True,
)  # fmt: skip
def reset_window(look: Situation) -> Found:
    """No reset of the broker's servers falls into the session."""
    if look.plan.simulated:
        return simulated("The gateway has no broker behind it.")
    config = look.plan.config or Config()
    minutes = max(config.thresholds.suite_minutes, look.plan.observe_s / 60)
    if look.plan.two_hours:
        minutes = max(minutes, config.validation.min_session_duration / 60)
    ends = look.plan.now + timedelta(minutes=minutes)
    window = config.reset_between(look.plan.now, ends)
    if window:
        return Found(V.BLOCK, f"{window} falls into the next {minutes:g} minutes.")
    return Found(V.PASS, f"None in the next {minutes:g} minutes.")


@health(
    "HP-16", "Account", "Capital", "at least 95 % of what is expected",
    remedy="Reset the paper account's balance at the broker, or correct the configuration.",
    blocks=True,
)  # fmt: skip
def capital(look: Situation) -> Found:
    """The account is worth what the configuration expects."""
    worth = look.gateway.net_liquidation
    if worth is None or look.plan.config is None:
        return Found(V.UNKNOWN, "The account's worth could not be read.")
    paper = look.plan.config.paper_trading
    share = worth / paper.initial_capital
    text = f"{worth:,.2f} USD, {share:.0%} of {paper.initial_capital:,.0f} USD."
    if share < paper.min_fraction:
        return Found(V.BLOCK, text)
    return Found(V.WARN if share > paper.max_fraction else V.PASS, text)


@health(
    "HP-17", "Account", "Positions are known", "none, or documented",
    remedy="Close the positions, or document their symbols in the configuration.", blocks=True,
)  # fmt: skip
def positions(look: Situation) -> Found:
    """Nothing is held that the configuration does not name."""
    held = look.gateway.positions
    if held is None:
        return Found(V.UNKNOWN, "The positions could not be read.")
    documented = set(
        look.plan.config.paper_trading.documented_positions if look.plan.config else ()
    )
    strange = [f"{symbol} {quantity:+g}" for symbol, quantity in held if symbol not in documented]
    if strange and look.plan.observes:
        return Found(V.WARN, f"Taken as the bot's: {', '.join(strange)}.")
    if strange:
        return Found(V.BLOCK, f"Not documented: {', '.join(strange)}.")
    return Found(V.PASS, f"{len(held)} positions, all documented." if held else "No position.")


@health(
    "HP-18", "Account", "No own order works", "none of ours",
    remedy="Cancel them at the broker, or wait for the clean-up of the session that sent them.",
    blocks=True,
)  # fmt: skip
def open_orders(look: Situation) -> Found:
    """No order of an earlier session works at the broker."""
    refs = look.gateway.open_refs
    if refs is None:
        return Found(V.UNKNOWN, "The open orders could not be read.")
    own = [ref for ref in refs if ref.startswith(OWN_ORDERS)]
    if own:
        return Found(V.BLOCK, f"{len(own)} of ours: {', '.join(own[:3])}.")
    verdict = V.WARN if refs else V.PASS
    return Found(verdict, f"{len(refs)} of other clients, none of ours." if refs else "None.")


@health(
    "HP-07", "Market", "Regular trading hours", "09:30 to 16:00 in New York, no order at the end",
    remedy="Start while the exchange is open, at the latest 15 minutes before its close. The QA "
    "Lead may waive the hours of a session: it then can't be signed.",
    blocks=True,
)  # fmt: skip
def market_hours(look: Situation) -> Found:
    """A full session needs an open exchange; others skip what needs it."""
    plan = look.plan
    if plan.simulated and plan.always_open:
        return simulated("The market is open at any hour.")
    try:
        trades, orders = is_regular_hours(plan.now), order_window_open(plan.now)
    except CalendarNotCoveredError as error:
        return Found(V.UNKNOWN, f"{error}")
    if trades and (orders or not plan.wants_orders):
        return Found(V.PASS, "The exchange is open.")
    text = "The exchange closes within 15 minutes." if trades else "The exchange is closed."
    if not plan.wants_hours and not plan.wants_orders:
        return Found(V.PASS, f"{text} Nothing that is planned needs it.")
    return Found(V.BLOCK if plan.full else V.WARN, text)


@health(
    "HP-23", "Market", "Market data permission", "live data",
    remedy="Check the market data subscriptions of the paper user at the broker.",
    blocks=True, soft=True,
)  # fmt: skip
def market_data(look: Situation) -> Found:
    """The gateway sends live quotes."""
    kind = look.gateway.data_type
    if kind is None:
        return Found(V.UNKNOWN, look.gateway.quote_text or "No quote was read.")
    text = f"{look.gateway.quote_text} Data is {DATA_TYPES.get(kind, kind)}.".strip()
    # Frozen is the last live quote of a market that is closed: HP-07 speaks of that.
    if kind != LIVE and not (kind == FROZEN and _is_closed(look)):
        return Found(V.BLOCK, text)
    return Found(V.PASS if look.gateway.quote_usable else V.WARN, text)


def _is_closed(look: Situation) -> bool:
    """Whether the exchange is known to be closed."""
    plan = look.plan
    if plan.simulated and plan.always_open:
        return False
    try:
        return not is_regular_hours(plan.now)
    except CalendarNotCoveredError:
        return False


@health(
    "HP-14", "Market", "VIX", f"below {HIGH_VIX:g}",
    remedy="Look the VIX up, and attest here what it is.",
)  # fmt: skip
def volatility(look: Situation) -> Found:
    """The gateway tells the VIX, delayed if need be; where it does not, a person looks it up."""
    seen = look.gateway
    if seen.vix is not None:
        told = DATA_TYPES.get(seen.vix_type, "of no known kind")
        kind = "simulated" if look.plan.simulated else told
        return Found(V.PASS if seen.vix < HIGH_VIX else V.WARN, f"{seen.vix:.2f}, {kind}.")
    if look.plan.simulated:
        return simulated("This simulated market tells no VIX.")
    said = attested(look, "HP-14")
    if said.verdict != V.PASS:
        return said
    value = vix_in(said.text.partition(": ")[2])
    if value is None:
        return Found(V.ATTEST, f"{said.text} (no value of the VIX in it)")
    return Found(V.PASS if value < HIGH_VIX else V.WARN, said.text)


def vix_in(text: str) -> float | None:
    """Return the value that a text names, the highest of several; times and dates are none."""
    bare = CLOCK_OR_DATE.sub(" ", text)
    values = [float(found.replace(",", ".")) for found in NUMBER.findall(bare)]
    return max((value for value in values if value > 0), default=None)


@health(
    "HP-15", "Market", "No major event", "no rate decision, no earnings",
    remedy="Look at the calendar of events, and attest here what is due today.",
)  # fmt: skip
def events(look: Situation) -> Found:
    """The desk's own list names events; no calendar is connected beside it: a person looks."""
    if look.plan.simulated:
        return simulated("The simulated market has no events.")
    said = attested(look, "HP-15")
    if not look.plan.events:
        return said
    words = f" {said.text}" if said.verdict == V.PASS else ""
    return Found(V.WARN, f"Today in New York: {', '.join(look.plan.events)}.{words}")
