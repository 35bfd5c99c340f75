"""`crucible-gateway relay`, `replay` and `explain`: the flight recorder in a terminal."""

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from brokerage.relay.explain import GAP, explain
from brokerage.relay.recorder import Recorder
from brokerage.relay.recording import Recording, RecordingError
from brokerage.relay.relay import Relay
from brokerage.relay.replay import Replay
from brokerage.rig import line_words, reading
from brokerage.rig.errors import RefusedError, reason, unable_to_listen
from brokerage.rig.serving import Say, told_to_stop


def add_relay(parser: ArgumentParser) -> None:
    """Where the gateway is, where to listen, what to record."""
    add = parser.add_argument
    add("gateway", type=reading.address, help="host:port of the gateway, real or simulated")
    _add_listening(parser)
    add("--record", type=Path, metavar="FILE", help="record every frame into a new file")
    add("--no-redaction", action="store_true", help="keep account ids and names as they are")
    add("--delay", type=reading.seconds, help="deliver everything so many seconds later")
    add("--jitter", type=reading.seconds, default=0.0, help="and up to so many more")
    add("--throttle", type=reading.count, help="let so many bytes a second pass")
    parser.set_defaults(run=run_relay)


def add_replay(parser: ArgumentParser) -> None:
    """Which recording, where to listen."""
    parser.add_argument("recording", type=Path)
    _add_listening(parser)
    parser.add_argument("--speed", type=reading.speed, default=1.0, help="1 to 1000")
    parser.set_defaults(run=run_replay)


def add_explain(parser: ArgumentParser) -> None:
    """Which recording."""
    parser.add_argument("recording", type=Path)
    parser.add_argument(
        "--gap", type=reading.seconds, default=GAP, help="seconds of silence worth a line"
    )
    parser.set_defaults(run=run_explain)


def _add_listening(parser: ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=reading.port, default=4003, help="0 takes a free one")


def run_explain(options: Namespace, say: Say) -> None:
    """Print a recording; raises RefusedError when it is none."""
    try:
        for line in explain(options.recording, options.gap):
            say(line)
    except BrokenPipeError:  # whoever reads the lines has had enough; the recording is sound
        raise
    except (OSError, RecordingError) as error:
        text = f"{options.recording} cannot be explained: {reason(error)}."
        raise RefusedError(text) from None


def run_relay(options: Namespace, say: Say) -> None:
    """Relay until told to stop; raises RefusedError when it cannot begin."""
    if options.record is None:
        _run(_relay(options, None, say))
        return
    gateway = "{}:{}".format(*options.gateway)
    recorder = Recorder(options.record, gateway=gateway, redact=not options.no_redaction)
    try:
        with recorder:
            _run(_relay(options, recorder, say))
    except OSError as error:
        raise RefusedError(f"{options.record} cannot be written: {error.strerror}.") from None
    if recorder.failure:
        raise RefusedError(f"The recording is not complete: {recorder.failure}.")


def run_replay(options: Namespace, say: Say) -> None:
    """Replay until told to stop; raises RefusedError when it cannot begin."""
    try:
        recording = Recording.load(options.recording)
    except (OSError, RecordingError) as error:
        text = f"{options.recording} cannot be replayed: {reason(error)}."
        raise RefusedError(text) from None
    _run(_replay(options, recording, say))


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    with suppress(KeyboardInterrupt):
        asyncio.run(coroutine)


async def _relay(options: Namespace, recorder: Recorder | None, say: Say) -> None:
    stop = told_to_stop()
    relay = Relay(*options.gateway, host=options.host, port=options.port, witness=recorder)
    async with _listening(relay, options):
        if options.delay or options.jitter:
            relay.delay(options.delay or 0.0, options.jitter)
        if options.throttle:
            relay.throttle(options.throttle)
        recording = f" · recording to {options.record}" if recorder else ""
        gateway = "{}:{}".format(*options.gateway)
        say(f"relaying {options.host}:{relay.port} to {gateway}{recording}")
        line_words.listen(relay, say)
        await stop.wait()


async def _replay(options: Namespace, recording: Recording, say: Say) -> None:
    stop = told_to_stop()
    replay = Replay(recording, host=options.host, port=options.port, speed=options.speed)
    async with _listening(replay, options):
        say(f"replaying {options.recording} on {options.host}:{replay.port}")
        await stop.wait()
    for mismatch in replay.mismatches:
        say(f"deviation: {mismatch}")


@asynccontextmanager
async def _listening(server: Relay | Replay, options: Namespace) -> AsyncIterator[None]:
    """The block of a server; raises RefusedError when its port is taken."""
    try:
        await server.__aenter__()
    except OSError as error:
        raise unable_to_listen(options.host, options.port, error) from error
    try:
        yield
    finally:
        await server.__aexit__()
