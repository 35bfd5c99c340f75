"""How the product stands now, part by part, for the API and the terminal; changes nothing."""

from dataclasses import dataclass

from brokerage.models import AccountProof, Endpoint, KillSwitch
from crucible.live.publish import broker_error
from validation.guests import Package
from validation.models import Session
from validation.models.session import IN_FLIGHT
from validation.preflight.host_rules import HEARTBEAT_LIMIT_S
from validation.preflight.surroundings import database_ms, heartbeat_age
from validation.scenarios import catalogue


@dataclass(frozen=True)
class Part:
    """One part of the product; `ok` is None when nothing is known of it: never taken for well."""

    name: str
    ok: bool | None
    text: str


def parts() -> list[Part]:
    """Return every part; raises DatabaseError when the database does not answer."""
    return [
        Part("database", True, f"answers in {database_ms():.0f} ms"),
        _broker(),
        _scheduler(),
        *(_gateway(endpoint) for endpoint in Endpoint.objects.order_by("-is_default", "name")),
        _switch(),
        _orders(),
        *map(_package, catalogue.packages()),
    ]


def _broker() -> Part:
    error = broker_error()
    return Part("broker", not error, error or "answers")


def _scheduler() -> Part:
    age = heartbeat_age()
    if age is None:
        return Part("scheduler", None, "no sign of life yet")
    return Part("scheduler", age <= HEARTBEAT_LIMIT_S, f"last sign of life {age:.0f} s ago")


def _gateway(endpoint: Endpoint) -> Part:
    known = {Endpoint.Seen.CONNECTED: True, Endpoint.Seen.UNKNOWN: None}
    ok = known.get(Endpoint.Seen(endpoint.state_now), False)
    proof = AccountProof.objects.filter(endpoint=endpoint).first()
    mode = "no account reported" if proof is None else "paper" if proof.ok else "NOT PAPER"
    # Only the default gateway makes the product ill: others may be away on purpose.
    if ok is False and not endpoint.is_default:
        ok = None
    return Part(f"gateway {endpoint.name}", ok, f"{endpoint.state_label.lower()}, {mode}")


def _package(package: Package) -> Part:
    """A package that is left out makes nobody ill, and is never taken for well."""
    told = f"{', '.join(package.scenarios) or 'no scenario'}, version {package.version}"
    text = f"left out: {package.error}" if package.error else told
    return Part(f"package {package.name}", None if package.error else True, text)


def _switch() -> Part:
    switch = KillSwitch.objects.filter(pk=KillSwitch.SINGLE).first()
    if switch is None:
        return Part("kill switch", False, "its state can't be read")
    return Part("kill switch", switch.armed, switch.get_state_display().lower())


def _orders() -> Part:
    running = Session.objects.filter(state__in=IN_FLIGHT).values_list("number", flat=True)
    allowed = "by the session's grant alone" if KillSwitch.permits() else "none, cancels only"
    return Part("orders", True, f"{allowed}; under way: {', '.join(running) or 'no session'}")
