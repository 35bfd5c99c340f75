"""Tell the transcript of a simulated gateway in lines that a person can follow."""

from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from datetime import UTC, datetime
from itertools import groupby

from brokerage.simulator.faults.box import Switch
from brokerage.simulator.server import IN, OUT, Frame
from brokerage.tws.wording import words

MOST_ALIKE, FIRST_ALIKE = 5, 2
ARROWS = {IN: "→", OUT: "←"}


def lines(frames: Iterable[Frame]) -> Iterator[str]:
    """`10:30:01.250 1 → CancelOrder order_id=3`: simulated time (UTC), client id, direction.

    `→` is to the gateway, `←` to the client; a fault that is switched stands at `!`. Of many
    messages of one kind in a row only the first are told.
    """
    for (client_id, direction, name), group in groupby(frames, key=_kind):
        alike = list(group)
        shown = alike if len(alike) <= MOST_ALIKE else alike[:FIRST_ALIKE]
        who = f"{'-' if client_id is None else client_id} {ARROWS.get(direction, '!')}"
        for frame in shown:
            at = f"{datetime.fromtimestamp(frame.at, UTC):%H:%M:%S.%f}"[:-3]
            yield f"{at} {who} {_told(frame)}"
        if len(alike) > len(shown):
            yield f"{'':12} {who} … {len(alike) - len(shown)} more {name}"


def _kind(frame: Frame) -> tuple[int | None, str, str]:
    return frame.client_id, frame.direction, frame.name


def _told(frame: Frame) -> str:
    if isinstance(frame.message, Switch):
        given = " ".join(f"{name}={value!r}" for name, value in frame.message.settings.items())
        return f"{frame.message.name} {frame.name.lower()} {given}".rstrip()
    if is_dataclass(frame.message):
        return words(frame.message)
    return f"{frame.name} {frame.message}"
