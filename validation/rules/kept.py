"""Rules about what a session left on record: log, results, archive."""

from junitparser import JUnitXml

from validation.artefacts.bundle import complete, problems, zipped
from validation.artefacts.file import TEXT, File
from validation.artefacts.junit import SESSION_CASE, junit
from validation.artefacts.markup import when
from validation.artefacts.messages import broker_messages, session_log
from validation.artefacts.metrics_files import measurements_csv
from validation.artefacts.order_history import order_history
from validation.artefacts.pytest_text import pytest_text
from validation.facts import Facts
from validation.pacing import complains
from validation.rules.rule import Finding, rule


@rule
def log_errors(facts: Facts, _: str) -> Finding:
    """A person reviews errors; without any unplanned one there is nothing to review."""
    count = len(facts.unplanned("ERROR", "CRITICAL"))
    return Finding(None if count else True, f"{count} unplanned errors")


@rule
def log_warnings(facts: Facts, _: str) -> Finding:
    """A person reviews warnings; without any unplanned one there is nothing to review."""
    count = len(facts.unplanned("WARNING"))
    return Finding(None if count else True, f"{count} unplanned warnings")


@rule
def no_disconnects(facts: Facts, _: str) -> Finding:
    """No connection was lost without being provoked, as watch and scenarios saw it."""
    found = facts.samples.connection
    text = f"{len(found.outages)} in all, {found.planned} planned, {found.unplanned or 0} unplanned"
    if found.watched or found.unplanned:
        return Finding(not found.unplanned, text)
    return Finding(None, f"{text}; nobody watched to the end")


@rule
def gateway_up(facts: Facts, _: str) -> Finding:
    """The watch found the gateway up whenever no fault was provoked."""
    share = facts.samples.connection.uptime.adjusted
    if share is None:
        return Finding(None, "nobody watched to the end")
    return Finding(share >= 100.0, f"{share:g} %")


@rule
def no_pacing(facts: Facts, _: str) -> Finding:
    """The broker complained of pacing in the rate-limit scenario only."""
    found = [line for line in facts.log_lines if complains(line) and not facts.planned(line)]
    return Finding(not found, f"{len(found)} pacing messages")


@rule
def log_stored(facts: Facts, _: str) -> Finding:
    """The session's log holds lines, each with its time."""
    count = len(facts.log_lines)
    return Finding(True if count else None, f"{count} lines")


@rule
def results_kept(facts: Facts, _: str) -> Finding:
    """The results render as text and as JUnit XML, and the XML reads back with every case."""
    text, document = pytest_text(facts), JUnitXml.fromstring(junit(facts).encode())
    names, wanted = [case.name for suite in document for case in suite], len(facts.counted)
    cases = sum(name != SESSION_CASE for name in names)
    lines = sum(line.endswith("%]") for line in text.splitlines())
    good = bool(wanted) and cases == lines == wanted
    return Finding(good, f"{cases} cases in the XML, {lines} in the text, of {wanted}")


@rule
def archive_sound(facts: Facts, _: str) -> Finding:
    """What was recorded packs into an archive that agrees with its own manifest."""
    parts = {
        "pytest_report.xml": junit(facts), "pytest_report.txt": pytest_text(facts),
        "session_log.jsonl": session_log(facts), "broker_messages.csv": broker_messages(facts),
        "orders.json": order_history(facts), "measurements.csv": measurements_csv(facts),
    }  # fmt: skip
    files = [File(name, TEXT, text.encode()) for name, text in parts.items()]
    at = when(facts.session)
    wrong = problems(zipped(complete(files, {"session": facts.session.number}, at), at))
    return Finding(not wrong, " ".join(wrong) or f"{len(files)} files packed and verified")
