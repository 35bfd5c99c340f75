"""Scripts: faults and other actions at simulated times or on messages, written as plain values."""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Self, get_type_hints

from brokerage.simulator import actions
from brokerage.simulator.faults.catalogue import build, known
from brokerage.simulator.faults.fault import FaultError
from brokerage.simulator.suggestions import suggestion
from brokerage.tws.messages import CLIENT, SERVER

if TYPE_CHECKING:
    from brokerage.simulator.server import Frame, Gateway

log = logging.getLogger(__name__)

IN, OUT = "in", "out"
STEP_KEYS = ("at", "when", "on", "off", "do", "with", "for")
WHEN_KEYS = ("message", "direction", "nth", "client", "where")
NESTED = ("contract", "order")  # where a field is looked for that the message has not itself
KINDS = {
    IN: {row.name: cls for cls, row in CLIENT.by_class.items()},
    OUT: {row.name: cls for cls, row in SERVER.by_class.items()},
}


class ScriptError(ValueError):
    """A script that makes no sense; the text says where, what is wrong and what to do."""


@dataclass(frozen=True)
class Trigger:
    """Fires at the nth message that fits, counted from the start of the script."""

    message: str
    direction: str
    nth: int = 1
    client: int | None = None
    where: tuple[tuple[tuple[str, ...], Any], ...] = ()  # path of a field, and its value

    def fits(self, frame: "Frame") -> bool:
        """Whether this is such a message."""
        if (frame.name, frame.direction) != (self.message, self.direction):
            return False
        if self.client is not None and frame.client_id != self.client:
            return False
        return all(_value(frame.message, path) == wanted for path, wanted in self.where)


@dataclass(frozen=True)
class Step:
    """One action: at so many simulated seconds from the start, or when a message fits."""

    verb: str  # on, off, do
    name: str
    params: Mapping[str, Any]
    at: float | None = None
    when: Trigger | None = None
    lasts: float | None = None  # seconds after which what was switched on goes off


@dataclass
class Run:
    """A script that is being carried out."""

    gateway: "Gateway"
    waiting: list[Step]
    _counts: dict[int, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Plan the times and listen for the messages."""
        for step in list(self.waiting):
            if step.at is not None:
                self.gateway.later(step.at, lambda step=step: self._fire(step))  # type: ignore[misc]
        self.gateway.watchers.append(self._see)

    def stop(self) -> None:
        """Do nothing further; what is on stays on."""
        self.waiting.clear()
        if self._see in self.gateway.watchers:
            self.gateway.watchers.remove(self._see)

    def _see(self, frame: "Frame") -> None:
        for step in [step for step in self.waiting if step.when and step.when.fits(frame)]:
            count = self._counts[id(step)] = self._counts.get(id(step), 0) + 1
            if step.when and count == step.when.nth:
                self._fire(step)

    def _fire(self, step: Step) -> None:
        if not any(step is one for one in self.waiting):
            return
        self.waiting = [one for one in self.waiting if one is not step]
        try:
            self._take(step)
        except FaultError:
            log.exception("a step of the script cannot be taken")

    def _take(self, step: Step) -> None:
        match step.verb:
            case "on":
                self._on(step)
            case "off":
                self.gateway.faults.off(step.name)
            case _:
                actions.perform(self.gateway, step.name, step.params)

    def _on(self, step: Step) -> None:
        fault = self.gateway.faults.on(step.name, **step.params)
        if step.lasts is not None:
            self.gateway.later(step.lasts, fault.done)


@dataclass(frozen=True)
class Script:
    """Steps to be carried out on a gateway."""

    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, plain: Any) -> Self:
        """A script from a list of steps, or a mapping with `steps`; raises ScriptError."""
        if isinstance(plain, Mapping):
            _only(plain, ("name", "steps"), "script")
            plain = plain.get("steps")
        if not isinstance(plain, list) or not plain:
            raise ScriptError("script: it must be a list of steps with at least one step.")
        return cls(tuple(_step(step, f"step {n}") for n, step in enumerate(plain, start=1)))

    def start(self, gateway: "Gateway") -> Run:
        """Begin now."""
        run = Run(gateway, list(self.steps))
        run.begin()
        return run


def _step(plain: Any, place: str) -> Step:
    if not isinstance(plain, Mapping):
        raise ScriptError(f"{place}: it must be a mapping with {', '.join(STEP_KEYS)}.")
    _only(plain, STEP_KEYS, place)
    cue = _one_of(plain, ("at", "when"), place)
    verb = _one_of(plain, ("on", "off", "do"), place)
    params = plain.get("with") or {}
    if not isinstance(params, Mapping):
        raise ScriptError(f"{place}, with: it must be a mapping of parameters.")
    if "for" in plain and verb != "on":
        raise ScriptError(f"{place}, for: only what is switched on can end by itself.")
    _check(verb, plain[verb], params, place)
    return Step(
        verb=verb,
        name=plain[verb],
        params=dict(params),
        at=_seconds(plain["at"], f"{place}, at") if cue == "at" else None,
        when=_trigger(plain["when"], f"{place}, when") if cue == "when" else None,
        lasts=_seconds(plain["for"], f"{place}, for") if "for" in plain else None,
    )


def _check(verb: str, name: Any, params: Mapping[str, Any], place: str) -> None:
    """The name and the parameters make sense."""
    if not isinstance(name, str):
        raise ScriptError(f"{place}, {verb}: it must be a name, not {name!r}.")
    checks: dict[str, Callable[[], Any]] = {
        "on": lambda: build(name, params),
        "off": lambda: known(name),
        "do": lambda: actions.check(name, params),
    }
    try:
        checks[verb]()
    except FaultError as error:
        raise ScriptError(f"{place}, {verb}: {error}") from None


def _trigger(plain: Any, place: str) -> Trigger:
    if not isinstance(plain, Mapping) or "message" not in plain:
        raise ScriptError(f"{place}: it must be a mapping with at least `message`.")
    _only(plain, WHEN_KEYS, place)
    direction = _direction(plain, place)
    kind = KINDS[direction][plain["message"]]
    where = plain.get("where") or {}
    if not isinstance(where, Mapping):
        raise ScriptError(f"{place}, where: it must be a mapping of fields to values.")
    client = plain.get("client")
    return Trigger(
        message=plain["message"],
        direction=direction,
        nth=_whole(plain.get("nth", 1), 1, f"{place}, nth"),
        client=None if client is None else _whole(client, 0, f"{place}, client"),
        where=tuple((_path(kind, key, f"{place}, where"), value) for key, value in where.items()),
    )


def _direction(plain: Mapping[str, Any], place: str) -> str:
    """The direction given, or the one in which there is such a message."""
    name, given = plain["message"], plain.get("direction")
    if given not in (None, IN, OUT):
        raise ScriptError(f"{place}, direction: it must be in or out, not {given!r}.")
    for direction in (IN, OUT) if given is None else (given,):
        if isinstance(name, str) and name in KINDS[direction]:
            return str(direction)
    names = [*KINDS[IN], *KINDS[OUT]] if given is None else list(KINDS[given])
    raise _unknown(f"{place}, message", name, names)


def _path(kind: type[Any], key: Any, place: str) -> tuple[str, ...]:
    """Where in a message a field is: its own, or its contract's or order's."""
    for path in ((key,), *((nested, key) for nested in NESTED)):
        parts = tuple(str(part) for part in ".".join(map(str, path)).split("."))
        if _exists(kind, parts):
            return parts
    raise _unknown(place, key, _names(kind))


def _names(kind: type[Any]) -> list[str]:
    """What `where` may name: a message's own fields, then those of its contract and order."""
    hints = get_type_hints(kind)
    inner = [hints[nested] for nested in NESTED if nested in hints]
    return [
        one.name
        for part in (kind, *inner)
        if is_dataclass(part)
        for one in fields(part)
        if one.init
    ]


def _exists(kind: Any, path: tuple[str, ...]) -> bool:
    for part in path:
        if not is_dataclass(kind) or part not in {one.name for one in fields(kind) if one.init}:
            return False
        kind = get_type_hints(kind)[part]
    return True


def _value(message: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        message = getattr(message, part)
    return message


def _only(plain: Mapping[Any, Any], known_keys: tuple[str, ...], place: str) -> None:
    for key in plain:
        if key not in known_keys:
            raise _unknown(place, key, list(known_keys))


def _one_of(plain: Mapping[Any, Any], keys: tuple[str, ...], place: str) -> str:
    given = [key for key in keys if key in plain]
    if len(given) != 1:
        raise ScriptError(f"{place}: it must have exactly one of {', '.join(keys)}.")
    return given[0]


def _unknown(place: str, name: Any, names: list[str]) -> ScriptError:
    hint = suggestion(name, names, f"there are {', '.join(names)}.")
    return ScriptError(f"{place}: {name!r} is not known; {hint}")


def _seconds(value: Any, place: str) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value < math.inf:
        raise ScriptError(f"{place}: it must be a number of seconds from 0, not {value!r}.")
    return float(value)


def _whole(value: Any, least: int, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ScriptError(f"{place}: it must be a whole number from {least}, not {value!r}.")
    return value
