"""The results as JUnit XML, which pipelines read: a case for each scenario's last attempt.

A session that failed as a whole has one more case, so that no pipeline takes it for a success.
"""

import re

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from validation.artefacts.markup import instant
from validation.facts import Facts
from validation.models import Attempt, AttemptState, Check

A = AttemptState
SESSION_CASE = "session"
# XML 1.0 has no form for these at all.
UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
KINDS = {A.PASSED: None, A.FAILED: Failure, A.ERROR: Error, A.TIMED_OUT: Error}


def junit(facts: Facts) -> str:
    """Return the XML; times are real seconds."""
    session = facts.session
    suite = TestSuite(session.number)
    if session.started_at:
        suite.timestamp = instant(session.started_at) or ""
    suite.add_property("simulated", str(session.simulated).lower())
    suite.add_property("code_version", session.code_version)
    suite.add_property("config_sha256", session.config.digest)
    suite.add_testcases([_case(attempt, facts.checks_of(attempt)) for attempt in facts.counted])
    if facts.trouble:
        suite.add_testcase(_whole(facts))
    document = JUnitXml("crucible")
    document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    return str(document.tostring().decode())  # type: ignore[no-untyped-call]


def _case(attempt: Attempt, checks: list[Check]) -> TestCase:
    seconds = (attempt.duration_ms or 0) / 1000
    case = TestCase(attempt.slug, f"{attempt.scenario} {attempt.category}", seconds)
    kind = KINDS.get(A(attempt.state), Skipped)
    if kind is not None:
        result = kind(_printable(attempt.reason or A(attempt.state).label), attempt.state)
        if lines := failures(checks):
            result.text = _printable("\n".join(lines))
        case.result = [result]
    return case


def _whole(facts: Facts) -> TestCase:
    case = TestCase(SESSION_CASE, facts.session.number, 0.0)
    case.result = [Failure(_printable(facts.trouble), facts.session.state)]
    return case


def failures(checks: list[Check]) -> list[str]:
    """Return a line for each required check that did not hold."""
    return [
        f"{check.name}: expected {check.expected}, got {check.actual}"
        for check in checks
        if check.required and not check.passed
    ]


def _printable(text: str) -> str:
    return UNPRINTABLE.sub("�", text)
