"""Refuse a lock file that names a registry host or lacks hashes."""

import sys
from pathlib import Path

FORBIDDEN = ("://", "index-url", "find-links", "trusted-host")


def problems(lock: Path) -> list[str]:
    """Return what is wrong with one lock file."""
    text = lock.read_text()
    found = [f"{lock.name}: contains {word!r}" for word in FORBIDDEN if word in text]
    pins = [line for line in text.splitlines() if "==" in line]
    if len(pins) > text.count("--hash=sha256:"):
        found.append(f"{lock.name}: a pin has no hash")
    return found if pins else [*found, f"{lock.name}: has no pins"]


if __name__ == "__main__":
    locks = sorted(Path(__file__).parent.rglob("*.txt"))
    wrong = [problem for lock in locks for problem in problems(lock)]
    sys.stdout.write("\n".join(wrong or [f"{len(locks)} lock files are clean"]) + "\n")
    sys.exit(bool(wrong))
