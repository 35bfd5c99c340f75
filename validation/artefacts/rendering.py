"""Render every file of a session under its specified name."""

from collections.abc import Callable
from functools import cache

from validation.artefacts import checklist_copy, report
from validation.artefacts.file import CSV, HTML, JSON, LINES, MARKDOWN, TEXT, XML, YAML, File
from validation.artefacts.junit import junit
from validation.artefacts.markup import day, document, json_text
from validation.artefacts.messages import broker_messages, session_log
from validation.artefacts.metrics_files import (
    measurements_csv,
    metrics_csv,
    metrics_json,
)
from validation.artefacts.order_history import order_history
from validation.artefacts.pytest_text import pytest_text
from validation.configuration import to_yaml
from validation.facts import Facts
from validation.models import Session


def makers(session: Session) -> dict[str, tuple[str, Callable[[], str]]]:
    """Return how each file is made, by its name: its media type, and what renders it.

    They depend on what is stored of the session, and on nothing else.
    """
    facts, date = Facts(session), day(session)
    data = cache(lambda: report.content(facts))
    words = cache(lambda: report.markdown(facts, data()))
    title, name = f"Validation report {session.number}", f"live_validation_report_{date}"
    found: dict[str, tuple[str, Callable[[], str]]] = {
        f"{name}.md": (MARKDOWN, words),
        f"{name}.html": (HTML, lambda: document(title, words())),
        f"{name}.json": (JSON, lambda: json_text(data())),
        "checklist_completed.md": (MARKDOWN, lambda: checklist_copy.markdown(session)),
        f"pytest_report_{date}.txt": (TEXT, lambda: pytest_text(facts)),
        "pytest_report.xml": (XML, lambda: junit(facts)),
        f"metrics_{date}.json": (JSON, lambda: metrics_json(facts, data())),
        f"metrics_{date}.csv": (CSV, lambda: metrics_csv(facts, data())),
        f"measurements_{date}.csv": (CSV, lambda: measurements_csv(facts)),
        f"broker_messages_{date}.csv": (CSV, lambda: broker_messages(facts)),
        f"session_log_{date}.jsonl": (LINES, lambda: session_log(facts)),
        f"orders_{date}.json": (JSON, lambda: order_history(facts)),
        "validation_config.yaml": (YAML, lambda: _configuration(facts)),
    }
    if not session.approvable:
        del found["checklist_completed.md"]
    return found


def _configuration(facts: Facts) -> str:
    """Return the pinned configuration, under a comment with the session that ran with it."""
    session = facts.session
    label = "SIMULATED. " if session.simulated else ""
    head = f"# {label}Configuration revision {session.config.number} of session {session.number}.\n"
    return head + to_yaml(facts.config)


def render(session: Session) -> list[File]:
    """Return every file."""
    return [File(name, kind, make().encode()) for name, (kind, make) in makers(session).items()]


def render_one(session: Session, name: str) -> File | None:
    """Return the file of that name; None when there is none."""
    found = makers(session).get(name)
    return File(name, found[0], found[1]().encode()) if found else None
