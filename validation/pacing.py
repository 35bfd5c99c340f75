"""Tell the broker's complaints of pacing that nobody meant to provoke from other log lines."""

from validation.models import LogLine

PACING_CODES = frozenset({100, 420})
RATE_SCENARIO = "RS-02"


def complains(line: LogLine) -> bool:
    """Say whether the broker complains of pacing, and not in the scenario that provokes it."""
    if line.source != "broker" or (line.attempt and line.attempt.scenario == RATE_SCENARIO):
        return False
    return line.code in PACING_CODES or "pacing" in line.message.lower()
