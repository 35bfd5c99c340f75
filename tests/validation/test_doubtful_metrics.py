"""No signature passes over a metric not shown to keep its limit, unless a person says why."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.validation.conftest import Toys, passes, run
from validation import acknowledging, evidence, metrics, sessions
from validation.configuration import Config, digest
from validation.facts import Facts
from validation.judging import Limit, Row, judge_count, judge_share
from validation.models import Acknowledgement, ConfigRevision, Session
from validation.sessions import SessionRefused

pytestmark = pytest.mark.django_db
E = evidence.load()
FILL = Limit("ME-11", "Fill rate", "", "share", ">", 0.98)
ERRORS = Limit("ME-12", "Pacing violations", "", "count", "=", 0.0)
MEMORY = Limit("ME-15", "Memory", "MB", "count", "<", 500.0)
FIGURE = Limit("ME-20", "Orders sent", "", "count")
OPEN = "1 warning is not acknowledged yet."


def judged(monkeypatch: pytest.MonkeyPatch, *rows: Row) -> None:
    monkeypatch.setattr(metrics, "rows", lambda session, samples=None: list(rows))


@pytest.fixture
def measured(sound: Session, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session of which nothing is in doubt but its fill rate: 50 of 50 are too few to show it."""
    run(sound)
    judged(monkeypatch, judge_share(FILL, 50, 50), judge_count(ERRORS, 0.0, 1))
    return sound


def keys(session: Session) -> list[str]:
    return [one.key for one in Facts(session).open_warnings]


def accept(session: Session, by: User, day: date | None = None) -> None:
    day = day or acknowledging.last_days()[1]
    acknowledging.acknowledge(session, by, "More trades next week.", expires_on=day)


def later(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    now = timezone.now() + timedelta(days=days)
    monkeypatch.setattr(timezone, "now", lambda: now)


def test_what_too_few_samples_show_blocks_until_it_is_acknowledged(
    measured: Session, operator: User
) -> None:
    (warned,) = Facts(measured).open_warnings
    assert (warned.key, warned.title) == ("metric:ME-11", "ME-11 Fill rate")
    assert warned.text == (
        "1, limit > 0.98. Rule: pass; shown: insufficient; n = 50 of 189 needed."
    )
    assert OPEN in E.blockers(measured.number)
    accept(measured, operator)
    assert keys(measured) == []
    assert OPEN not in E.blockers(measured.number)


@pytest.mark.parametrize(
    ("row", "warns", "blocks"),
    [
        (judge_share(FILL, 400, 400), False, False),
        (judge_share(FILL, 50, 50), True, False),
        (judge_share(FILL, 30, 60), False, True),
        (judge_share(FILL, 0, 0), True, False),
        (judge_count(ERRORS, 2.0, 1), False, True),
        (judge_count(MEMORY, 20.0, 3), False, False),
        (judge_count(MEMORY, 600.0, 3), True, False),
        (judge_count(FIGURE, 3.0, 3), False, False),
    ],
)
def test_what_has_a_limit_and_does_not_pass_warns_and_what_misses_it_blocks(
    measured: Session, monkeypatch: pytest.MonkeyPatch, row: Row, warns: bool, blocks: bool
) -> None:
    judged(monkeypatch, row)
    assert keys(measured) == [f"metric:{row.code}"] * warns
    assert len(misses(measured)) == blocks


def misses(session: Session) -> list[str]:
    return [text for text in E.blockers(session.number) if "misses its limit" in text]


def test_no_word_stands_against_a_missed_limit(
    measured: Session, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(monkeypatch, judge_count(ERRORS, 2.0, 1))
    with pytest.raises(SessionRefused, match="no such warning"):
        acknowledging.acknowledge(measured, operator, "It was late.", ["metric:ME-12"])
    (told,) = misses(measured)
    assert told.startswith("ME-12 Pacing violations misses its limit: 2, limit = 0.")


def test_time_and_memory_of_a_machine_block_beside_a_brokers_gateway(
    measured: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(monkeypatch, judge_count(MEMORY, 600.0, 3))
    Session.objects.update(simulated=False)
    assert keys(measured := Session.objects.get()) == []
    assert len(misses(measured)) == 1


@pytest.mark.parametrize("days", [None, -1, 91])
def test_it_takes_a_day_within_the_next_ninety(
    measured: Session, operator: User, days: int | None
) -> None:
    day = None if days is None else acknowledging.last_days()[0] + timedelta(days=days)
    with pytest.raises(SessionRefused, match="Say up to which day"):
        acknowledging.acknowledge(measured, operator, "More trades next week.", expires_on=day)
    assert not Acknowledgement.objects.exists()


def test_it_counts_to_the_end_of_its_day_and_then_no_more(
    measured: Session, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(measured, operator)
    signed = E.manifest(measured.number)["acknowledgements"]
    later(monkeypatch, 30)
    assert keys(measured) == []
    later(monkeypatch, 1)
    assert keys(measured) == ["metric:ME-11"]
    assert {OPEN, "1 acknowledgement has expired."} <= set(E.blockers(measured.number))
    assert E.manifest(measured.number)["acknowledgements"] == signed
    accept(measured, operator)
    assert keys(measured) == []
    assert [one.number for one in Acknowledgement.objects.all()] == [1, 2]


def test_scenarios_that_run_again_ask_again(measured: Session, operator: User) -> None:
    accept(measured, operator)
    measured = run(sessions.rerun(measured, ["RS-01"], operator))
    assert keys(measured) == ["metric:ME-11"]


def test_the_last_day_is_signed(measured: Session, operator: User) -> None:
    accept(measured, operator)
    (said,) = E.manifest(measured.number)["acknowledgements"]
    assert said["expires_on"] == acknowledging.last_days()[1].isoformat()


@pytest.mark.parametrize("strict", [False, True])
def test_a_strict_policy_blocks_whatever_was_acknowledged(
    measured: Session, operator: User, strict: bool
) -> None:
    content = Config.model_validate({"thresholds": {"strict": strict}}).content()
    measured.config = ConfigRevision.objects.create(
        number=9, state="SUPERSEDED", content=content, digest=digest(content), origin="form"
    )
    measured.save()
    accept(measured, operator)
    told = [text for text in E.blockers(measured.number) if text.startswith("The policy is strict")]
    assert len(told) == strict
    assert all("ME-11 Fill rate is in doubt" in text for text in told)


def test_a_part_of_the_catalogue_needs_no_word_for_its_metrics(
    toys: Toys, seeded: Any, operator: User
) -> None:
    toys.add("BC-01", passes)
    session = run(sessions.start(operator, scenarios=["BC-01"]))
    assert any(row.doubtful for row in metrics.rows(session))
    assert keys(session) == []
