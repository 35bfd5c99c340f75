"""Render every file of a session under its specified name."""

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


def render(session: Session) -> list[File]:
    """Return the files; they depend on what is stored of the session, and on nothing else."""
    facts, date = Facts(session), day(session)
    data = report.content(facts)
    words = report.markdown(facts, data)
    texts = [
        (f"live_validation_report_{date}.md", MARKDOWN, words),
        (f"live_validation_report_{date}.html", HTML,
         document(f"Validation report {session.number}", words)),
        (f"live_validation_report_{date}.json", JSON, json_text(data)),
        ("checklist_completed.md", MARKDOWN, checklist_copy.markdown(session)),
        (f"pytest_report_{date}.txt", TEXT, pytest_text(facts)),
        ("pytest_report.xml", XML, junit(facts)),
        (f"metrics_{date}.json", JSON, metrics_json(facts, data)),
        (f"metrics_{date}.csv", CSV, metrics_csv(data)),
        (f"measurements_{date}.csv", CSV, measurements_csv(facts)),
        (f"broker_messages_{date}.csv", CSV, broker_messages(facts)),
        (f"session_log_{date}.jsonl", LINES, session_log(facts)),
        (f"orders_{date}.json", JSON, order_history(facts)),
        ("validation_config.yaml", YAML, to_yaml(facts.config)),
    ]  # fmt: skip
    return [File(name, kind, text.encode()) for name, kind, text in texts if text]
