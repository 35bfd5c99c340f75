"""Procedures that a task of the board carries as steps: the hand-over, and the way back (pure)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One step; without `roles` only a machine ticks it, `tag` says by which git tag."""

    code: str
    text: str
    roles: tuple[str, ...] = ()
    tag: str = ""


PASSED, BLOCKED = "passed", "blocked"

# T14: from a passed validation to the next milestone.
TRANSITION = (
    Line("14.1", "The validation's task is done, with its date"),
    Line("14.2", "Report and logs are linked"),
    Line("14.3", "The passed state is tagged and pushed", tag=PASSED),
    Line("14.4", "The sprint plan was reviewed", ("PM",)),
    Line("14.5", "The kick-off meeting is scheduled", ("PM",)),
    Line("14.6", "The start date is filled in"),
    Line("14.7", "The lead is filled in"),
    Line("14.8", "The first task of the next milestone stands on the board"),
    Line(
        "14.9", "The question of the gateway's deployment and the stability notes are handed over",
        ("OP", "QS"),
    ),
)  # fmt: skip

# T11, the part about code: from a blocked validation back to a passed one.
ROLLBACK = (
    Line("11.11", "The blocked state is tagged and pushed", tag=BLOCKED),
    Line("11.12", "A hot-fix branch is made", ("LD",)),
    Line("11.13", "The fix and its automated tests are green"),
    Line("11.14", "The live validation was repeated and approved"),
    Line("11.15", "The hot-fix branch is merged", ("LD",)),
    Line("11.16", "The passed state is tagged and pushed", tag=PASSED),
)
