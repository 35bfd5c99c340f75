"""Run the whole product as a user does, in a directory of its own, and look at it from outside."""

import contextlib
import json
import os
import queue
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CHOSEN = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTEST_CURRENT_TEST")


class Product:
    """`manage.py demo` on free ports: its address, its people (name → password), its database."""

    def __init__(self, var: Path, speed: float) -> None:
        self.var = var
        env = {name: value for name, value in os.environ.items() if name not in CHOSEN}
        env |= {"CRUCIBLE_VAR": str(var), "CRUCIBLE_DEMO": "true"}
        self.env = env
        flags = ["--port=0", "--gateway-port=0", f"--speed={speed}"]
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "demo", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=env,
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for_line(self, text: str, seconds: float = 150) -> str:
        """Return the first line that contains the text; fails with all that was said."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                line = self._lines.get(timeout=left)
                if line is None:
                    break
                self.said.append(line)
                if text in line:
                    return line
        raise AssertionError(f"{text!r} was not said:\n{''.join(self.said)}\n{self.logs()}")

    def logs(self) -> str:
        """Return the end of every process's log."""
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-1500:]}"
            for path in sorted((self.var / "log").glob("*.log"))
        )

    @property
    def address(self) -> str:
        """The web address that was printed."""
        said = "".join(self.said)
        match = re.search(r"http://\S+", said)
        assert match, said
        return match.group().rstrip("/")

    @property
    def people(self) -> dict[str, str]:
        """User name → password, as kept beside the data."""
        return dict(json.loads((self.var / "demo-people.json").read_text()))

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database from outside."""
        url = f"file:{self.var / 'crucible.sqlite3'}?mode=ro"
        with contextlib.closing(sqlite3.connect(url, uri=True, timeout=20)) as connection:
            return connection.execute(sql, values).fetchall()

    def eventually(self, look: Callable[[], Any], seconds: float, what: str) -> Any:
        """Poll what another process writes; returns the first true value."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := look():
                return found
            time.sleep(0.1)
        raise AssertionError(f"{what} did not happen in {seconds} s\n{self.logs()}")

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a management command in a second terminal."""
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        return subprocess.run(
            command, env=self.env, capture_output=True, text=True, check=False, timeout=150
        )

    def stop(self) -> str:
        """Press Ctrl-C; return all that was said."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(120)
        while (line := self._lines.get(timeout=60)) is not None:
            self.said.append(line)
        return "".join(self.said)


@contextlib.contextmanager
def running_product(var: Path, speed: float) -> Iterator[Product]:
    """Start the product, wait until it is ready, and end it."""
    product = Product(var, speed)
    try:
        product.wait_for_line("A first validation session is running")
        yield product
    finally:
        if product.process.poll() is None:
            product.stop()
