"""The watch's pure judges: conditions, lanes, lines, answers, clocks, orders, figures."""

from datetime import UTC, datetime, timedelta

import pytest

from brokerage.comparison import Difference, Kind
from brokerage.terms import OrderState
from validation.models import LaneState, Severity
from validation.watch import orders
from validation.watch.conditions import Condition, Conditions, Provocation
from validation.watch.figures import Figures
from validation.watch.lanes import BROKER, HISTORY, MARKET, NAMES, LaneChange, Lanes
from validation.watch.liveness import Answers, Drift, Hours, Line, hours
from validation.watch.orders import OrderView, Told

SICK = Condition("sick", "gateway", Severity.ERROR, "It is sick.")
NOON = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)


def phases(conditions: Conditions, *looks: tuple[float, bool], grace: Provocation) -> list[str]:
    found = []
    for now, sick in looks:
        for seen in conditions.judge("g", [SICK] if sick else [], now, grace):
            found.append(f"{seen.phase}{' planned' if seen.planned else ''}")
    return found


def test_a_condition_is_told_when_it_begins_then_seldom_then_when_it_is_over() -> None:
    looks = (0.0, True), (5.0, True), (59.0, True), (61.0, True), (70.0, False), (75.0, False)
    assert phases(Conditions(), *looks, grace=Provocation()) == ["BEGAN", "STILL", "OVER"]


def test_another_judge_does_not_end_a_condition() -> None:
    conditions, none = Conditions(), Provocation()
    conditions.judge("one", [SICK], 0.0, none)
    assert conditions.judge("two", [], 1.0, none) == []


def test_what_begins_shortly_after_a_provocation_is_planned_and_later_is_not() -> None:
    provocation = Provocation()
    provocation.hear(True, 0.0)
    provocation.hear(False, 10.0)
    assert phases(Conditions(), (29.0, True), grace=provocation) == ["BEGAN planned"]
    assert phases(Conditions(), (31.0, True), grace=provocation) == ["BEGAN"]


def test_what_was_provoked_and_stays_for_too_long_counts() -> None:
    provocation, conditions = Provocation(now_on=True), Conditions()
    assert phases(conditions, (0.0, True), grace=provocation) == ["BEGAN planned"]
    provocation.hear(False, 10.0)
    assert phases(conditions, (55.0, True), grace=provocation) == []
    assert phases(conditions, (131.0, True), grace=provocation) == ["BEGAN"]


def test_the_same_event_is_told_once() -> None:
    conditions = Conditions()
    assert len(conditions.once([SICK], 0.0, Provocation())) == 1
    assert conditions.once([SICK], 9.0, Provocation()) == []


# -- lanes ----------------------------------------------------------------------------------------


def test_a_lane_of_which_nothing_was_heard_is_unknown() -> None:
    lanes = Lanes()
    assert {lanes.state(name) for name in NAMES} == {LaneState.UNKNOWN}
    assert not any(lanes.is_down(name) for name in NAMES)


def test_a_farm_that_reports_tells_of_the_link_to_the_broker_and_of_no_other_farm() -> None:
    lanes = Lanes()
    assert [one.lane for one in lanes.hear(2104, "OK:usfarm", 0.0)] == [MARKET, BROKER]
    assert lanes.state(HISTORY) == LaneState.UNKNOWN
    assert lanes.hear(2104, "OK:usfarm", 1.0) == []


def test_1100_without_1102_is_judged_after_a_minute() -> None:
    lanes = Lanes()
    assert lanes.hear(1100, "lost", 0.0) == [LaneChange(BROKER, LaneState.DOWN, 1100, "lost")]
    assert list(lanes.conditions(60.0)) == []
    assert [one.kind for one in lanes.conditions(61.0)] == ["link_lost"]
    assert lanes.hear(1102, "back", 62.0) == [LaneChange(BROKER, LaneState.UP, 1102, "back")]
    assert list(lanes.conditions(63.0)) == []
    assert lanes.restored == (1102, 62.0)


def test_repeated_1100_is_one_loss() -> None:
    lanes = Lanes()
    for at in (0.0, 10.0, 20.0):
        lanes.hear(1100, "lost", at)
    assert [one.kind for one in lanes.conditions(61.0)] == ["link_lost"]


def test_2110_ends_when_the_farms_report() -> None:
    lanes = Lanes()
    lanes.hear(2110, "server", 0.0)
    assert lanes.hear(2106, "HMDS data farm connection is OK:ushmds", 5.0) == [
        LaneChange(HISTORY, LaneState.UP, 2106, "HMDS data farm connection is OK:ushmds"),
        LaneChange(BROKER, LaneState.UP, 2106, "HMDS data farm connection is OK:ushmds"),
    ]


def test_1100_does_not_end_when_a_farm_reports() -> None:
    lanes = Lanes()
    lanes.hear(1100, "lost", 0.0)
    lanes.hear(2104, "Market data farm connection is OK:usfarm", 5.0)
    assert lanes.is_down(BROKER)


def test_each_farm_must_come_back_itself_or_be_relieved() -> None:
    lanes = Lanes()
    lanes.hear(2103, "broken:usfarm", 0.0)
    lanes.hear(2103, "broken:usopt", 0.0)
    lanes.hear(2104, "OK:usfarm", 1.0)
    assert lanes.is_down(MARKET)
    lanes.hear(2104, "OK:usfarm.nj", 2.0)
    assert not lanes.is_down(MARKET)


@pytest.mark.parametrize(("code", "lane"), [(2103, MARKET), (2105, HISTORY)])
def test_a_farm_that_stays_away_is_an_error_of_its_lane(code: int, lane: str) -> None:
    lanes = Lanes()
    lanes.hear(code, "broken:farm", 0.0)
    (found,) = lanes.conditions(61.0)
    assert (found.kind, found.subject, found.severity) == ("farm_down", lane, Severity.ERROR)


def test_three_breaks_in_two_minutes_are_flapping() -> None:
    lanes = Lanes()
    for at in (0.0, 12.0, 24.0):
        lanes.hear(2103, "broken:usfarm", at)
        lanes.hear(2104, "OK:usfarm", at + 4.0)
    assert [one.kind for one in lanes.conditions(30.0)] == ["flapping"]
    assert list(lanes.conditions(130.0)) == []


# -- data -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOON, Hours.REGULAR),
        (NOON.replace(hour=9), Hours.EXTENDED),
        (NOON.replace(hour=22), Hours.EXTENDED),
        (NOON.replace(hour=8, minute=59), Hours.CLOSED),
        (NOON.replace(day=1), Hours.CLOSED),
        (datetime(1980, 1, 2, tzinfo=UTC), Hours.CLOSED),
    ],
)
def test_hours_follow_the_calendar(at: datetime, expected: Hours) -> None:
    assert hours(at, always_open=False) is expected
    assert hours(at, always_open=True) is Hours.REGULAR


def kind_of(line: Line, now: float, at: Hours = Hours.REGULAR, **options: object) -> str:
    """What the line's condition is after several looks."""
    found = [line.condition(now, at, **options) for _ in range(3)][-1]  # type: ignore[arg-type]
    return found.kind if found else ""


def test_silence_counts_in_trading_hours_only() -> None:
    line = Line("SPY", 0.0)
    line.tick("bid", 1.0, 10.0)
    assert kind_of(line, 24.0) == ""
    assert kind_of(line, 26.0) == "silent_line"
    assert kind_of(line, 26.0, Hours.EXTENDED) == ""
    assert kind_of(line, 400.0, Hours.EXTENDED) == "silent_line"
    assert kind_of(line, 400.0, Hours.CLOSED) == ""
    line.halted = True
    assert kind_of(line, 400.0) == ""


def test_one_look_is_not_enough_for_silence() -> None:
    line = Line("SPY", 0.0)
    assert line.condition(16.0, Hours.REGULAR) is None
    assert line.condition(17.0, Hours.REGULAR) is None
    assert line.condition(18.0, Hours.REGULAR) is not None


@pytest.mark.parametrize("code", [1101, 1102, 2104])
def test_silence_after_all_is_well_names_the_notice(code: int) -> None:
    line = Line("SPY", 0.0)
    line.tick("bid", 1.0, 10.0)
    assert kind_of(line, 60.0, restored=(code, 20.0)) == f"silent_after_{code}"
    assert kind_of(line, 60.0, restored=(code, 5.0)) == "silent_line"


def test_ticks_that_never_move_a_price_are_frozen() -> None:
    line = Line("SPY", 0.0)
    for second in range(32):
        line.tick("bid", 1.0, float(second))
    assert kind_of(line, 31.5) == "frozen_prices"
    line.tick("bid", 1.01, 32.0)
    assert kind_of(line, 33.0) == ""


def test_few_ticks_of_one_price_are_a_calm_market() -> None:
    line = Line("SPY", 0.0)
    for second in range(0, 40, 10):
        line.tick("bid", 1.0, float(second))
    assert kind_of(line, 39.0) == ""


def test_the_first_quotes_after_a_reconnection_count_as_old_when_they_are() -> None:
    line = Line("SPY", 100.0, before={"bid": 1.0})
    for second in range(32):
        line.tick("bid", 1.0, 100.0 + second)
    assert line.standing == 32
    assert kind_of(line, 132.0) == "frozen_prices"


def test_delayed_data_are_not_live() -> None:
    line = Line("SPY", 0.0, data_type=3)
    assert kind_of(line, 1.0) == "data_not_live"
    assert kind_of(line, 1.0, Hours.CLOSED) == ""


def test_a_mute_gateway_is_one_that_misses_answers_for_a_while() -> None:
    answers = Answers()
    answers.miss(0.0)
    assert answers.condition(5.0) is None
    answers.miss(6.0)
    assert answers.condition(11.0) is not None
    answers.hear(1.0)
    assert answers.condition(12.0) is None


@pytest.mark.parametrize(("by", "found"), [(0, False), (2, False), (5, True), (-5, True)])
def test_a_clock_that_moves_is_found_within_the_answers_roughness(by: int, found: bool) -> None:
    drift = Drift()
    drift.hear(NOON, 0.0, 0.1)
    drift.hear(NOON + timedelta(seconds=60 + by), 60.0, 60.1)
    assert (drift.condition() is not None) is found


# -- orders ---------------------------------------------------------------------------------------


def view(**changes: object) -> OrderView:
    fields: dict[str, object] = {"label": "order 1", "state": OrderState.FILLED, "since_s": 1000.0}
    return OrderView(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        (view(state=OrderState.SUBMITTING, since_s=11.0), "order_unanswered"),
        (view(state=OrderState.SUBMITTING, since_s=9.0), ""),
        (view(state=OrderState.NO_RESPONSE, since_s=0.0), "order_unanswered"),
        (view(state=OrderState.UNKNOWN, since_s=46.0), "order_fate_unknown"),
        (view(state=OrderState.UNKNOWN, since_s=10.0), ""),
        (view(state=OrderState.CANCEL_PENDING, since_s=46.0), "cancel_unanswered"),
        (view(filled=2.0, executed=1.0, since_s=11.0), "fill_without_execution"),
        (view(filled=2.0, executed=1.0, since_s=9.0), ""),
        (view(filled=1.0, executed=1.0, unpriced_s=31.0), "commission_missing"),
        (view(filled=1.0, executed=1.0, unpriced_s=29.0), ""),
        (view(late_fill=True), "late_fill"),
        (view(acked_s=11.0), "slow_acknowledgement"),
        (view(acked_s=1.0), ""),
        (view(state=OrderState.SUBMITTED), ""),
    ],
)
def test_an_order_is_judged_by_what_is_missing(order: OrderView, kind: str) -> None:
    assert "".join(one.kind for one in orders.conditions([order])) == kind


def test_a_fast_clock_leaves_a_limit_its_real_seconds() -> None:
    waiting = view(state=OrderState.SUBMITTING, since_s=60.0)
    assert list(orders.conditions([waiting], floor=75.0)) == []


@pytest.mark.parametrize(
    ("explanation", "final", "severity"),
    [("", False, "ERROR"), ("", True, "CRITICAL"), ("It was corrected.", True, "WARNING")],
)
def test_only_what_is_not_explained_is_an_error(
    explanation: str, final: bool, severity: str
) -> None:
    found = Difference(Kind.PHANTOM, "position SPY", "1", "0", "0", explanation=explanation)
    assert orders.difference(found, final=final).severity == severity


def test_executions_that_complete_an_order_contradict_its_status() -> None:
    told = [Told("a", "Submitted", 1.0, 1.0), Told("b", "Filled", 1.0, 1.0), Told("c", "", 1, 0)]
    assert [one.subject for one in orders.contradictions(told)] == ["a"]


# -- figures --------------------------------------------------------------------------------------


def test_planned_outages_leave_the_uptime_whole() -> None:
    figures = Figures()
    figures.pass_time(0.0, up=True, regular=True, planned=False)
    figures.pass_time(80.0, up=True, regular=True, planned=False)
    figures.pass_time(90.0, up=False, regular=False, planned=True)
    assert figures.uptime == 1.0
    figures.pass_time(100.0, up=False, regular=False, planned=False)
    assert figures.uptime == 0.9
    assert (figures.total, figures.watched, figures.regular) == (100.0, 80.0, 80.0)


def test_a_resumed_session_goes_on_counting() -> None:
    figures = Figures.resumed({"regular_s": 50.0, "total_s": 60.0, "answers": 3})
    figures.pass_time(0.0, up=True, regular=True, planned=False)
    figures.pass_time(10.0, up=True, regular=True, planned=False)
    assert (figures.regular, figures.total, figures.answers) == (60.0, 70.0, 3)


def test_nothing_watched_is_no_uptime() -> None:
    assert Figures().content()["uptime"] is None
