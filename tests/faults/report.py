"""The table of faults, runs and violations, as it stands in docs/reliability.md."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.conducting import Outcome
from tests.faults.fault import FAULTS

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True)
class Campaign:
    """What was asked for: so many schedules of a seed, of these those that name a fault."""

    seed: int
    count: int
    lanes: int = 1
    only: str = ""

    @property
    def command(self) -> str:
        """The command that draws the same schedules."""
        only = f' ONLY="{self.only}"' if self.only else ""
        return f"make test-faults SCHEDULES={self.count} SEED={self.seed}{only}"


def table(outcomes: Sequence[Outcome], campaign: Campaign, wanted: int) -> str:
    """Return the summary and the table in Markdown; `wanted` schedules make it complete."""
    violations = [found for outcome in outcomes for found in outcome.violations]
    kinds = Counter(found.kind for found in violations)
    took = sorted(one.detection_s for one in outcomes if one.detection_s is not None)
    lines = [
        f"`{campaign.command}`: {_extent(outcomes, campaign, wanted)}, {len(violations)} violations"
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


def _extent(outcomes: Sequence[Outcome], campaign: Campaign, wanted: int) -> str:
    minutes = sum(outcome.seconds for outcome in outcomes) / 60
    builds = sorted({one.build[:7] for one in outcomes if one.build})
    played = f"{len(outcomes)} schedules"
    if len(outcomes) < wanted:
        played = f"**not complete**, {len(outcomes)} of {wanted} schedules"
    return (
        f"{played} at commit {', '.join(builds) or 'unknown'} on {campaign.lanes} stages side by "
        f"side, together {minutes:.0f} minutes long"
    )


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
