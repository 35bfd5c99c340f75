"""The vendor's clients as the tests see them: calls to make and events to await."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

ROOT = Path(__file__).resolve().parents[3]
DRIVER = Path(__file__).with_name("vendor_driver.py")
SPEED = 25.0  # simulated seconds per second
PATIENCE = 60.0  # wall seconds; a busy machine is slow, a wrong answer never comes


class Event(NamedTuple):
    """A callback of the client."""

    name: str
    args: list[Any]


class Driver:
    """A subprocess with one of the vendor's clients, for as many connections as a test wants."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._bots: dict[int, Bot] = {}
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @classmethod
    @contextmanager
    def of(cls, name: str) -> Iterator[Self]:
        """The driver of `.venv/clients/<name>`, which `make test` installs."""
        home = ROOT / ".venv/clients" / name
        assert (home / "ibapi").is_dir(), f"{name} is not installed: run `make test`"
        process = subprocess.Popen(
            [sys.executable, DRIVER],
            env={"PYTHONPATH": str(home)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        driver = cls(process)
        try:
            yield driver
        finally:
            process.stdin.close()
            process.wait(60)
            driver._thread.join(60)
            process.stdout.close()

    def bot(self) -> "Bot":
        """One more client, not connected yet."""
        number = len(self._bots) + 1
        self._bots[number] = Bot(self, number)
        return self._bots[number]

    def command(self, number: int, call: str, args: list[Any]) -> None:
        """Tell the subprocess to do something."""
        line = json.dumps({"app": number, "call": call, "args": args})
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _listen(self) -> None:
        for line in self._process.stdout:
            told = json.loads(line)
            event = Event(told["name"], told["args"])
            for number in [told["app"]] if told["app"] else list(self._bots):
                self._bots[number].tell(event)


class Bot:
    """One connection of the client; `events` holds all that it was called back with."""

    def __init__(self, driver: Driver, number: int) -> None:
        self._driver, self._number = driver, number
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self.events: list[Event] = []
        self.next_id = 0

    def tell(self, event: Event) -> None:
        """Take an event; called by the thread that listens."""
        self.events.append(event)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)

    def call(self, name: str, *args: Any) -> None:
        """Call a method of the client."""
        self._driver.command(self._number, name, list(args))

    def all(self, name: str) -> list[list[Any]]:
        """The arguments of all callbacks of this name, so far."""
        return [event.args for event in list(self.events) if event.name == name]

    async def told(self, name: str, *start: Any, where: Callable[..., Any] | None = None) -> Any:
        """The first callback of this name whose arguments start so and pass the test."""

        def fits(args: list[Any]) -> bool:
            return args[: len(start)] == list(start) and (where is None or bool(where(*args)))

        await self.until(lambda: any(map(fits, self.all(name))), f"{name}{start}")
        return next(filter(fits, self.all(name)))

    async def until(self, condition: Callable[[], Any], what: str = "it") -> None:
        """Wait until a condition holds; looked at whenever something was told."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    assert not self.complaints, "\n".join(self.complaints)
                    self._news.clear()
                    if not condition():
                        await self._news.wait()
        except TimeoutError:
            last = "\n".join(str(event)[:200] for event in self.events[-15:])
            message = f"{what} never came; the last of {len(self.events)} events:\n{last}"
            raise AssertionError(message) from None

    async def connect(self, port: int, client_id: int = 1) -> int:
        """Connect and wait for the first order id; returns the version that was negotiated."""
        self.call("connect", "127.0.0.1", port, client_id)
        (self.next_id,) = await self.told("nextValidId")
        return (await self.told("connected"))[0]

    async def disconnect(self) -> None:
        """Disconnect and wait until the client has ended."""
        self.call("disconnect")
        await self.told("gone")

    @property
    def complaints(self) -> list[str]:
        """What the client logged as a warning or worse, and what it died of."""
        return [text for (text,) in self.all("log")]

    def errors(self) -> list[int]:
        """Error codes, without the notices of the farms."""
        return [args[1] for args in self.all("error") if not 2100 <= args[1] < 2200]

    def id(self) -> int:
        """A fresh id for a request or an order."""
        self.next_id += 1
        return self.next_id - 1
