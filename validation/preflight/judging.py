"""Judge a situation: the table of health checks, and what each finding means. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from validation.models.preflight import Verdict
from validation.preflight.situation import Situation

V = Verdict
GROUPS = ("Gateway", "Account", "Market", "Configuration", "Host", "Product")
# What can't be read without a connection is no fault of its own.
OVER_THE_WIRE = ("Gateway", "Account", "Market")
CONNECT_FIRST = "It can be read once the gateway is connected: HP-01 and HP-02 come first."
SOFTENED = "It would block a paper gateway; on a simulated one it warns."


class Found(NamedTuple):
    """What a check says: BLOCK when its limit is broken, and the measured value in words."""

    verdict: Verdict
    text: str


Rule = Callable[[Situation], Found]


@dataclass(frozen=True)
class HealthRule:
    """One line of the table.

    `blocks` says that what is unknown, too, keeps a session from starting; `soft` that on a
    simulated gateway it warns where it would block on a paper one.
    """

    code: str
    group: str
    title: str
    limit: str
    remedy: str
    blocks: bool
    soft: bool
    rule: Rule


@dataclass(frozen=True)
class Judgement:
    """The verdict on one check, ready to be stored and shown."""

    code: str
    group: str
    title: str
    limit: str
    finding: str
    verdict: Verdict
    holds_up: bool
    remedy: str


TABLE: dict[str, HealthRule] = {}


def health(
    code: str, group: str, title: str, limit: str, *, remedy: str = "", blocks: bool = False,
    soft: bool = False,
) -> Callable[[Rule], Rule]:  # fmt: skip
    """Put the decorated rule into the table; raises ValueError for a code that stands there."""

    def enter(rule: Rule) -> Rule:
        if code in TABLE or group not in GROUPS:
            raise ValueError(f"{code} stands in the table already, or its group {group} does not")
        TABLE[code] = HealthRule(code, group, title, limit, remedy, blocks, soft, rule)
        return rule

    return enter


def judge(situation: Situation) -> list[Judgement]:
    """Return the verdict on every check, group by group, by code."""
    rules = sorted(TABLE.values(), key=lambda rule: (GROUPS.index(rule.group), rule.code))
    return [_judge(rule, situation) for rule in rules]


def _judge(rule: HealthRule, situation: Situation) -> Judgement:
    verdict, text = rule.rule(situation)
    softened = rule.soft and situation.plan.simulated
    if verdict == V.BLOCK and softened:
        verdict, text = V.WARN, f"{text} {SOFTENED}"
    unknown = verdict == V.UNKNOWN and rule.blocks and not softened
    remedy = "" if verdict in {V.PASS, V.NOT_APPLICABLE} else rule.remedy
    if verdict == V.UNKNOWN and rule.group in OVER_THE_WIRE and not situation.gateway.connected:
        remedy = CONNECT_FIRST
    return Judgement(
        rule.code, rule.group, rule.title, rule.limit, text[:500], verdict,
        holds_up=verdict == V.BLOCK or unknown, remedy=remedy,
    )  # fmt: skip


def verdict_by(value: float, *, warn: float, block: float) -> Verdict:
    """Return PASS below `warn`, WARN from there, BLOCK from `block` on."""
    if value >= block:
        return V.BLOCK
    return V.WARN if value >= warn else V.PASS


def simulated(text: str) -> Found:
    """Say honestly that a simulated gateway has nothing to be measured here."""
    return Found(V.NOT_APPLICABLE, f"Not applicable: simulated. {text}")


def attested(look: Situation, code: str) -> Found:
    """Return what a person has said of a check that no machine here can make."""
    said = look.plan.attested.get(code)
    return Found(V.PASS, said) if said else Found(V.ATTEST, "Not measured on this machine.")
