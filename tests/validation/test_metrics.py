"""A session's metrics: from stored rows alone, by limits that were frozen before it began."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from brokerage.models import OrderEvent, OrderRecord
from crucible.ledger.append_only import AppendOnlyError
from tests.validation.conftest import Toys, run
from tests.validation.test_rules import line, order
from validation import metrics, sessions
from validation.configuration import Config
from validation.judging import Row
from validation.models import FaultWindow, LatencySample, MetricPlan, Session, SessionKind
from validation.samples import Samples

pytestmark = pytest.mark.django_db


@pytest.fixture
def ended(reviewed: Session) -> Session:
    """A session that has run, at the speed of a real gateway."""
    reviewed.speed = 1.0
    reviewed.save()
    return reviewed


def row(session: Session, code: str) -> Row:
    return next(one for one in metrics.rows(session) if one.code == code)


def verdicts(session: Session, code: str) -> tuple[str, str]:
    found = row(session, code)
    return found.policy.value, found.evidence.value


def answered(session: Session, count: int, **fields: Any) -> list[OrderRecord]:
    times = {"held_ms": 5.0, "acked_ms": 20.0, "filled_ms": 60.0, "filled": 1} | fields
    return [order(session, number, **times) for number in range(count)]


def test_the_plan_is_written_down_before_the_first_scenario(
    toys: Toys, seeded: Any, operator: User
) -> None:
    seen: list[int] = []

    async def look(trial: Any) -> None:
        seen.append(await MetricPlan.objects.acount())

    toys.add("BC-01", look)
    session = run(sessions.start(operator))
    assert seen == [1]
    assert session.metric_plan.digest == MetricPlan.objects.get().digest


def test_a_later_change_of_the_product_does_not_move_the_limits(
    ended: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "plan", lambda config: [])
    answered(ended, 3)
    assert row(ended, "ME-01").limit.threshold == 200


def test_the_plan_is_frozen_once_and_never_changed(ended: Session) -> None:
    frozen = metrics.freeze(ended)
    assert metrics.freeze(ended) == frozen
    with pytest.raises(AppendOnlyError):
        frozen.delete()


def test_another_limit_gives_another_digest() -> None:
    usual, strict = Config(), Config.model_validate({"thresholds": {"place_ack_ms": 50}})
    assert metrics.plan(usual) != metrics.plan(strict)


def test_a_latency_counts_from_the_wish_not_from_the_sending(ended: Session) -> None:
    answered(ended, 1, held_ms=300.0)
    assert row(ended, "ME-01").value == 320.0
    assert verdicts(ended, "ME-01")[0] == "FAIL"


def test_fast_acknowledgements_pass_the_rule_and_need_59_to_show_it(ended: Session) -> None:
    answered(ended, 10)
    assert verdicts(ended, "ME-01") == ("PASS", "INSUFFICIENT")
    assert row(ended, "ME-01").n_needed == 59


def test_an_order_without_an_answer_stays_in_the_sample(ended: Session) -> None:
    answered(ended, 9)
    silent = order(ended, 99, state="NO_RESPONSE")
    OrderEvent.objects.create(order=silent, kind="NO_RESPONSE", detail={"limit_s": 7.0})
    found = row(ended, "ME-01")
    assert (found.n, found.value, found.at_least) == (10, 7000.0, True)
    assert found.policy == "FAIL"


def test_an_order_that_was_lost_with_its_connection_claims_no_waiting_time(ended: Session) -> None:
    lost = order(ended, 99, state="UNKNOWN", held_ms=4.0)
    OrderEvent.objects.create(order=lost, kind="UNKNOWN", detail={"why": "cut"})
    assert [(one.ms, one.censored) for one in Samples(ended).of("PLACE")] == [(4.0, True)]


def test_a_cancel_that_nobody_confirms_stays_in_the_sample(ended: Session) -> None:
    asked = order(ended, 1, state="CANCEL_PENDING", acked_ms=9.0)
    OrderEvent.objects.create(order=asked, kind="CANCEL_PENDING")
    assert [one.censored for one in Samples(ended).of("CANCEL")] == [True]


def test_a_cancel_that_a_fill_overtook_has_no_latency(ended: Session) -> None:
    raced = order(ended, 1, acked_ms=9.0, filled_ms=30.0, filled=1)
    OrderEvent.objects.create(order=raced, kind="CANCEL_PENDING")
    assert not Samples(ended).of("CANCEL")


def test_acknowledgement_and_fill_are_kept_apart(ended: Session) -> None:
    answered(ended, 2)
    assert row(ended, "ME-01").value == 25.0
    assert row(ended, "ME-06").value == 65.0
    assert "paper engine" in row(ended, "ME-06").why


def test_what_was_provoked_judges_nobody_but_is_kept(ended: Session) -> None:
    made = order(ended, 1, acked_ms=9000.0, filled_ms=9100.0, filled=1)
    FaultWindow.objects.create(
        session=ended, starts_at=made.created_at, ends_at=made.created_at + timedelta(1), why="x"
    )
    assert verdicts(ended, "ME-01") == ("NO_DATA", "NO_DATA")
    assert [one.planned for one in Samples(ended).of("PLACE")] == [True]


def test_only_orders_that_are_meant_to_fill_count_in_the_fill_rate(ended: Session) -> None:
    answered(ended, 8)
    order(ended, 20, state="CANCELLED", aim="REST")
    order(ended, 21, state="REJECTED", aim="REJECT")
    assert (row(ended, "ME-11").value, row(ended, "ME-11").n) == (1.0, 8)
    order(ended, 22, state="REJECTED")
    order(ended, 23, state="NO_RESPONSE")
    assert (row(ended, "ME-11").value, row(ended, "ME-11").n) == (0.8, 10)
    assert row(ended, "ME-11").policy == "FAIL"


def test_closing_by_the_clean_up_is_no_trade_of_the_bot(ended: Session) -> None:
    answered(ended, 2)
    order(ended, 9, state="CANCELLED", purpose="CLEANUP", ref=f"{ended.number}/OE-01/cleanup")
    assert (row(ended, "ME-11").n, row(ended, "ME-06").n, row(ended, "ME-20").n) == (2, 2, 3)


def test_a_second_clients_orders_are_not_the_sessions(ended: Session) -> None:
    order(ended, 1, acked_ms=9.0, ref=f"{ended.number}/RS-08/outside")
    assert row(ended, "ME-20").n == 0


def test_the_gateways_part_of_a_latency_is_told_apart(ended: Session) -> None:
    answered(ended, 1, held_ms=300.0, cancel_acked_ms=4.0)
    OrderEvent.objects.create(order=OrderRecord.objects.get(), kind="CANCEL_PENDING")
    assert (row(ended, "ME-01").value, row(ended, "ME-01b").value) == (320.0, 20.0)
    assert row(ended, "ME-02").value == 4.0


def test_a_sample_names_the_scenario_of_its_order(ended: Session) -> None:
    order(ended, 1, acked_ms=9.0, purpose="CLEANUP", ref=f"{ended.number}/OE-02/cleanup")
    assert {one.scenario for one in Samples(ended).all} == {"OE-02"}


def test_a_partial_fill_counts_by_its_share(ended: Session) -> None:
    order(ended, 1, state="CANCELLED", quantity=4, filled=1)
    assert row(ended, "ME-11").value == 0.25


def test_orders_that_never_left_are_no_trades(ended: Session) -> None:
    order(ended, 1, state="REFUSED")
    assert row(ended, "ME-20").n == 0


def test_the_long_scenarios_do_not_count_as_active_time(ended: Session) -> None:
    for attempt in ended.attempts.all():
        attempt.pk, attempt.number, attempt.duration_ms = None, 2, 120_000
        attempt.scenario = {"BC-01": "RS-05"}.get(attempt.scenario, attempt.scenario)
        attempt.save()
    count = ended.attempts.filter(number=2).count()
    assert row(ended, "ME-25a").n == row(ended, "ME-25").n - 1
    assert row(ended, "ME-25a").value == pytest.approx(2.0 * (count - 1), abs=0.5)


def test_uptime_with_and_without_planned_faults_is_the_watchs(ended: Session) -> None:
    start = ended.started_at
    assert start is not None
    told = {"total_s": 100.0, "uptime": 0.95, "outage_s": 5.0, "planned_outage_s": 10.0}
    ended.facts = ended.facts | {"watch": ended.facts["watch"] | told}
    ended.save()
    states = ((1, "UP", False), (2, "DOWN", True), (3, "UP", True), (4, "DOWN", False))
    ended.ended_at = start + timedelta(seconds=100)
    for number, state, planned in states:
        at = start + timedelta(seconds=10 * number)
        ended.connection_events.create(lane="gateway", state=state, planned=planned, at=at)
    assert row(ended, "ME-08").value == pytest.approx(95.0)
    assert row(ended, "ME-08b").value == pytest.approx(85.0)
    assert verdicts(ended, "ME-08") == ("FAIL", "FAIL")
    assert row(ended, "ME-13").value == 1.0


def test_a_session_that_nobody_watched_has_neither_uptime_nor_losses(ended: Session) -> None:
    ended.facts = {}
    for code in ("ME-08", "ME-08b", "ME-13"):
        assert row(ended, code).value is None
    assert verdicts(ended, "ME-08") == ("NO_DATA", "NO_DATA")


def test_pacing_counts_outside_its_own_scenario(ended: Session) -> None:
    line(ended, "Max rate of messages per second has been exceeded", code=100)
    assert verdicts(ended, "ME-12") == ("FAIL", "FAIL")


def test_scenarios_passed_are_those_of_the_plan(ended: Session) -> None:
    assert verdicts(ended, "ME-09") == ("PASS", "PASS")
    Session.objects.update(planned=25)
    ended.refresh_from_db()
    assert row(ended, "ME-09").value == pytest.approx(12.0)


def test_a_scenario_keeps_raw_samples(toys: Toys, seeded: Any, operator: User) -> None:
    def times(trial: Any) -> None:
        trial.sample("STATUS", 3.5)
        trial.sample("CONNECTION", 10_000, censored=True)

    toys.add("BC-01", times)
    session = run(sessions.start(operator))
    stored = list(LatencySample.objects.values_list("kind", "ms", "censored"))
    assert stored == [("STATUS", 3.5, False), ("CONNECTION", 10_000.0, True)]
    assert row(session, "ME-03").value == 3.5


def test_figures_of_scenarios_are_samples_too(ended: Session) -> None:
    attempt = ended.attempts.get(scenario="BC-01")
    attempt.metrics.create(name="server_time_rtt_ms", value=12.0, unit="ms")
    attempt.metrics.create(name="SPY_quote_age_s", value=0.5, unit="s")
    assert (row(ended, "ME-05").value, row(ended, "ME-07").value) == (12.0, 500.0)


def test_the_delta_needs_a_benchmark(ended: Session) -> None:
    answered(ended, 3)
    assert verdicts(ended, "ME-04") == ("NO_DATA", "NO_DATA")


@pytest.mark.parametrize("alike", [True, False])
def test_the_delta_against_the_last_benchmark_of_the_same_kind_of_gateway(
    ended: Session, toys: Toys, operator: User, alike: bool
) -> None:
    ended.attempts.create(
        scenario="X-12", slug="x", title="Benchmark", category="Procedures", position=9,
        state="PASSED", version="v", severity="S-MED", timeout_s=1,
    )  # fmt: skip
    for number in range(60):
        order(ended, number, acked_ms=40.0 + number % 5)
    Session.objects.update(state="ABORTED", simulated=alike)
    later = sessions.start(operator, scenarios=["BC-01"])
    later = run(later)
    for number in range(60):
        order(later, 100 + number, acked_ms=80.0 + number % 5)
    found = row(later, "ME-04")
    if not alike:
        assert (found.policy, found.evidence) == ("NO_DATA", "NO_DATA")
        return
    assert found.value == pytest.approx(84 / 44 - 1)
    assert (found.policy, found.evidence) == ("FAIL", "FAIL")
    assert ended.number in found.why


def test_the_same_session_gives_the_same_metrics(ended: Session) -> None:
    answered(ended, 5)
    assert metrics.content(ended) == metrics.content(ended)
    assert [one["code"] for one in metrics.content(ended)][:3] == ["ME-01", "ME-01b", "ME-02"]


def test_many_orders_cost_no_more_questions(
    ended: Session, django_assert_max_num_queries: Any
) -> None:
    answered(ended, 40)
    with django_assert_max_num_queries(13):
        metrics.rows(ended)


def test_the_api_gives_verdicts_plan_and_samples(
    ended: Session, client: Client, people: Any
) -> None:
    answered(ended, 3)
    client.force_login(people.vw)
    told = client.get(f"/api/v1/sessions/{ended.number}/metrics").json()
    first = told["metrics"][0]
    assert (first["policy_verdict"], first["evidence_verdict"]) == ("PASS", "INSUFFICIENT")
    assert told["plan_sha256"] == ended.metric_plan.digest
    samples = client.get(f"/api/v1/sessions/{ended.number}/samples?kind=PLACE").json()["samples"]
    assert [one["ms"] for one in samples] == [25.0] * 3
    assert client.get(f"/api/v1/sessions/{ended.number}/samples?kind=X").status_code == 400


def test_a_session_that_has_not_run_has_no_green_metric(sound: Session) -> None:
    assert not [one for one in metrics.rows(sound) if one.evidence == "PASS"]


def test_a_report_of_elsewhere_has_no_log_to_count_in(ended: Session) -> None:
    ended.kind = SessionKind.IMPORTED
    assert verdicts(ended, "ME-12") == ("NO_DATA", "NO_DATA")
