"""Scan a gateway's raw log for what a reviewer looks for: a pure function (WF-10)."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

MOST = 200
LONGEST = 300
# The first that matches names the line, the gravest first.
KINDS = (
    ("pacing", re.compile(r"pacing violation|rate limit|max(imum)? rate of messages", re.I)),
    ("disconnect", re.compile(r"disconnect|connection (was |is )?(lost|reset|broken)", re.I)),
    ("error", re.compile(r"\b(ERROR|FATAL|SEVERE|EXCEPTION)\b|Exception\b", re.I)),
    ("warning", re.compile(r"\bWARN(ING)?\b", re.I)),
)


@dataclass(frozen=True)
class Found:
    """One line that a person should read; lines count from 1."""

    line: int
    kind: str
    text: str


@dataclass(frozen=True)
class Scan:
    """How many lines there are, how many of each kind, and the first of them."""

    lines: int
    counts: dict[str, int]
    findings: list[Found]


def scan(lines: Iterable[str]) -> Scan:
    """Return what stands out; the first 200 findings are kept, all are counted."""
    counts: Counter[str] = Counter()
    findings: list[Found] = []
    number = 0
    for number, text in enumerate(lines, start=1):
        kind = next((name for name, pattern in KINDS if pattern.search(text)), None)
        if kind is None:
            continue
        counts[kind] += 1
        if len(findings) < MOST:
            findings.append(Found(number, kind, text.strip()[:LONGEST]))
    ordered = {name: counts[name] for name, _ in KINDS if counts[name]}
    return Scan(number, ordered, findings)
