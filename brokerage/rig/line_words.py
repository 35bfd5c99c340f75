"""The words that a person types to spoil a relayed line while it runs: `cut`, `delay 0.5` …"""

import asyncio
import sys
import threading
from argparse import ArgumentTypeError
from collections.abc import Awaitable, Callable

from brokerage.relay.relay import Relay
from brokerage.rig import reading
from brokerage.rig.serving import Say

HELP = "delay SECONDS [JITTER], throttle BYTES, half-open, cut, reset, refuse [SECONDS], restore"
Numbers = list[float]

WORDS: dict[str, tuple[range, Callable[[Relay, Numbers], Awaitable[None] | None]]] = {
    "delay": (range(1, 3), lambda relay, numbers: relay.delay(*numbers)),
    "throttle": (range(1, 2), lambda relay, numbers: relay.throttle(*numbers)),
    "half-open": (range(1), lambda relay, numbers: relay.half_open()),
    "cut": (range(1), lambda relay, numbers: relay.cut()),
    "reset": (range(1), lambda relay, numbers: relay.reset()),
    "refuse": (range(2), lambda relay, numbers: relay.refuse(*numbers)),
    "restore": (range(1), lambda relay, numbers: relay.restore()),
}


async def obey(relay: Relay, line: str) -> str:
    """Do what a line says; what to tell the person."""
    word, *rest = line.split() or [""]
    counts, act = WORDS.get(word, (range(0), None))
    if act is None or len(rest) not in counts:
        return f"There is: {HELP}."
    try:
        done = act(relay, [reading.seconds(text) for text in rest])
    except (ArgumentTypeError, ValueError) as error:
        return f"{error}."
    if done is not None:
        await done
    return f"{line.strip()}: done"


def listen(relay: Relay, say: Say) -> None:
    """Obey the lines of standard input from now on, until it ends."""
    loop = asyncio.get_running_loop()
    threading.Thread(target=_read, args=(relay, say, loop), daemon=True).start()


def _read(relay: Relay, say: Say, loop: asyncio.AbstractEventLoop) -> None:
    for line in sys.stdin:
        if line.strip() and not loop.is_closed():
            answer = asyncio.run_coroutine_threadsafe(obey(relay, line), loop)
            say(answer.result())
