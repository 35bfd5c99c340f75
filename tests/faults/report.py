"""The table of faults, runs and violations, as it stands in docs/reliability.md."""

from collections import Counter
from collections.abc import Sequence

from tests.faults.conducting import Outcome
from tests.faults.fault import FAULTS

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def table(outcomes: Sequence[Outcome], seed: int) -> str:
    """Return the summary and the table in Markdown."""
    violations = [found for outcome in outcomes for found in outcome.violations]
    kinds = Counter(found.kind for found in violations)
    took = sorted(one.detection_s for one in outcomes if one.detection_s is not None)
    minutes = sum(outcome.seconds for outcome in outcomes) / 60
    lines = [
        f"`make test-faults SCHEDULES={len(outcomes)} SEED={seed}`: {len(outcomes)} schedules in "
        f"{minutes:.0f} minutes, {len(violations)} violations"
        f" (lost: {kinds['lost']}, doubled: {kinds['doubled']}, other: "
        f"{len(violations) - kinds['lost'] - kinds['doubled']}).",
        "",
        f"A lost worker was noticed {len(took)} times, after {_span(took)}.",
        "",
        f"Compared: {_compared(outcomes)}.",
        "",
        "| fault | runs | struck | sessions ended | violations |",
        "|---|--:|--:|---|--:|",
    ]
    for name, kind in FAULTS.items():
        lines.append(_row(name, kind.family, outcomes))
    return "\n".join(lines)


def _row(name: str, family: str, outcomes: Sequence[Outcome]) -> str:
    own = [one for one in outcomes if name in {blow.fault for blow in one.schedule.blows}]
    struck = sum(name not in one.missed for one in own)
    ends = Counter(one.state for one in own)
    words = ", ".join(f"{state.lower()} {count}" for state, count in sorted(ends.items()))
    count = sum(len(one.violations) for one in own)
    return f"| {family}: {name} | {len(own)} | {struck} | {words or '—'} | {count} |"


def _compared(outcomes: Sequence[Outcome]) -> str:
    total: Counter[str] = Counter()
    for outcome in outcomes:
        total.update(outcome.compared)
    return ", ".join(f"{count} {what}" for what, count in total.items()) or "nothing"


def _span(took: Sequence[float]) -> str:
    if not took:
        return "—"
    middle = took[len(took) // 2]
    return f"{took[0]:.1f} to {took[-1]:.1f} s, {middle:.1f} s in the middle (limit: 20 s)"


def put_into(page: str, measured: str) -> str:
    """Return a page with what was measured between its two marks."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{measured}\n{END}{after}"
