"""The control API: a line of JSON per request, over TCP on this machine alone.

A request is an object like `{"do": "on", "name": "link_lost", "with": {"seconds": 60}}`, its
answer `{"ok": true, "result": …}` or `{"ok": false, "error": "…"}`. A line that is no such request
ends the connection: nobody who speaks this protocol sends one. Whatever is switched stands in the
gateway's transcript.
"""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from brokerage.simulator import actions
from brokerage.simulator.faults.catalogue import CATALOGUE, build, describe, settings
from brokerage.simulator.faults.fault import FaultError
from brokerage.simulator.faults.script import Script, ScriptError
from brokerage.simulator.server import Gateway

HOST = "127.0.0.1"
LONGEST = 64 * 1024  # bytes of a request
LONGEST_ANSWER = 8 * 1024 * 1024
MOST_CLIENTS = 8
MOST_FRAMES = 1_000  # of one answer
LONGEST_SKIP = 7 * 86_400.0  # simulated seconds
KEYS = frozenset({"do", "name", "with"})
WAIT = 10.0  # wall seconds in which an answer must come


class RemoteError(Exception):
    """The gateway refused a request or cannot be reached; the text says why."""


@dataclass(frozen=True)
class Request:
    """One line, understood."""

    do: str
    name: str
    params: Mapping[str, Any]


class Control:
    """Serves the control API of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: dict[asyncio.StreamWriter, None] = {}  # the longest silent first
        self._verbs: dict[str, Callable[[Request], Awaitable[Any]]] = {
            "active": self._active,
            "catalogue": self._catalogue,
            "off": self._off,
            "on": self._on,
            "script": self._script,
            "skip": self._skip,
            "time": self._time,
            "transcript": self._transcript,
        }

    async def start(self, port: int = 0) -> None:
        """Listen on this machine alone; 0 takes a free port. Raises OSError when it is taken."""
        self._server = await asyncio.start_server(self._serve, HOST, port, limit=LONGEST)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.close()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._writers) >= MOST_CLIENTS:
            next(iter(self._writers)).close()
        self._writers[writer] = None
        try:
            with suppress(ConnectionError, ValueError):  # ValueError: a line without end
                while line := await reader.readline():
                    self._writers[writer] = self._writers.pop(writer, None)
                    if not await self._answered(line, writer):
                        break
        finally:
            self._writers.pop(writer, None)
            writer.close()

    async def _answered(self, line: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer a request; False for a line that is none."""
        request = understood(line)
        if request is None:
            return False
        answer = await self._answer(request)
        writer.write(json.dumps(answer, default=str).encode() + b"\n")
        await writer.drain()
        return True

    async def _answer(self, request: Request) -> dict[str, Any]:
        try:
            result = await self._do(request)
        except (FaultError, ScriptError) as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True, "result": result}

    async def _do(self, request: Request) -> Any:
        if request.do in self._verbs:
            return await self._verbs[request.do](request)
        if request.do not in actions.ACTIONS:
            known = ", ".join(sorted([*self._verbs, *actions.ACTIONS]))
            raise FaultError(f"There is nothing called {request.do!r} to do; there is {known}.")
        actions.perform(self.gateway, request.do, request.params)
        return None

    async def _on(self, request: Request) -> dict[str, Any]:
        fault = self.gateway.faults.on(build(request.name, request.params))
        return {"name": fault.name, "with": settings(fault)}

    async def _off(self, request: Request) -> bool:
        return self.gateway.faults.off(request.name)

    async def _active(self, request: Request) -> list[dict[str, Any]]:
        active = self.gateway.faults.active()
        return [{"name": fault.name, "with": settings(fault)} for fault in active]

    async def _catalogue(self, request: Request) -> list[dict[str, Any]]:
        return [describe(cls) for cls in CATALOGUE.values()]

    async def _script(self, request: Request) -> int:
        script = Script.parse(request.params.get("steps"))
        script.start(self.gateway)
        return len(script.steps)

    async def _time(self, request: Request) -> float:
        return self.gateway.clock.time()

    async def _skip(self, request: Request) -> float:
        seconds = _number(request, "seconds", 0.0, LONGEST_SKIP)
        await self.gateway.skip(seconds)
        return self.gateway.clock.time()

    async def _transcript(self, request: Request) -> list[Any]:
        tail = int(_number(request, "tail", 1, MOST_FRAMES))
        frames = list(self.gateway.transcript)[-tail:]
        return [json.loads(frame.line()) for frame in frames]


def _number(request: Request, name: str, least: float, most: float) -> float:
    value = request.params.get(name)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most:
        return float(value)
    raise FaultError(f"{name} must be a number from {least:g} to {most:g}, not {value!r}.")


def understood(line: bytes) -> Request | None:
    """The request in a line, None if it is none."""
    try:
        plain = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(plain, dict) or not set(plain) <= KEYS:
        return None
    do, name, params = plain.get("do"), plain.get("name", ""), plain.get("with", {})
    if not (isinstance(do, str) and isinstance(name, str) and isinstance(params, dict)):
        return None
    return Request(do, name, params)


def asked(do: str, name: str, params: Mapping[str, Any]) -> bytes:
    """A request as a line."""
    plain: dict[str, Any] = {"do": do}
    if name:
        plain["name"] = name
    if params:
        plain["with"] = dict(params)
    return json.dumps(plain).encode() + b"\n"


def told(line: bytes) -> Any:
    """The result in an answer; raises RemoteError for a refusal or the end."""
    if not line:
        raise RemoteError("The gateway closed its control connection.")
    try:
        answer = json.loads(line)
        if answer["ok"]:
            return answer["result"]
        raise RemoteError(str(answer["error"]))
    except (KeyError, TypeError, ValueError):
        raise RemoteError("What answers on this port is no control API.") from None


class Remote:
    """A client of the control API; every method raises RemoteError."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up."""
        if self._streams:
            self._streams[1].close()
            self._streams = None

    async def ask(self, do: str, name: str = "", **params: Any) -> Any:
        """Anything the API can do; the result as plain values."""
        try:
            async with asyncio.timeout(WAIT):
                reader, writer = await self._connected()
                writer.write(asked(do, name, params))
                line = await reader.readline()
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            await self.close()
            raise _unreachable(self.port, error) from error
        return told(line)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(HOST, self.port, limit=LONGEST_ANSWER)
        return self._streams

    async def on(self, name: str, **params: Any) -> dict[str, Any]:
        """Switch a fault on; what it is set to."""
        result: dict[str, Any] = await self.ask("on", name, **params)
        return result

    async def off(self, name: str) -> bool:
        """Switch a fault off; False if it was not on."""
        return bool(await self.ask("off", name))

    async def active(self) -> list[dict[str, Any]]:
        """What is on: `name` and `with`."""
        result: list[dict[str, Any]] = await self.ask("active")
        return result


def ask(port: int, do: str, name: str = "", **params: Any) -> Any:
    """One request, waiting for its answer: for programs without an event loop.

    Raises RemoteError.
    """
    try:
        with socket.create_connection((HOST, port), timeout=WAIT) as connection:
            connection.sendall(asked(do, name, params))
            with connection.makefile("rb") as answers:
                line = answers.readline()
    except OSError as error:
        raise _unreachable(port, error) from error
    return told(line)


def _unreachable(port: int, error: Exception) -> RemoteError:
    if isinstance(error, ConnectionRefusedError):
        cure = f"start the gateway with `serve --control-port {port}`"
        return RemoteError(f"Nothing listens on the control port {port}; {cure}.")
    text = str(error) or "no answer in time"
    return RemoteError(f"The control port {port} fails: {text}")
