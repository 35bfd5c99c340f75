"""Clock drift: a sound clock passes, a gateway's that is wrong fails, and so does blindness."""

import math

import pytest

from brokerage.errors import OrderRefused
from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught, Run
from validation.config_thresholds import Thresholds
from validation.scenarios import clock_drift
from validation.scenarios.clock_drift import Sample, judge, offset

LIMITS = Thresholds()
CATCHES = (
    catch("RS-07", "clock_drift", "drift", params={"seconds": 6.0}, speed=2.0),
    catch("RS-07", "clock_drift", "drift", params={"seconds": -60.0}),
    catch("RS-07", "clock_drift", "drift", params={"seconds": 60.0}),
    catch("RS-07", "mute_after_handshake", "gateway answers"),
    catch("RS-07", "gateway_freezes", "samples", after=3.0, also=("drift",)),
)


async def test_passes_on_a_sound_gateway(sound: Run) -> None:
    outcome = await sound("RS-07")
    assert (outcome.failed, outcome.ending.reason) == (set(), "")
    assert outcome.state == "PASSED"
    assert abs(outcome.measured["drift_s"]) < 5


@pytest.mark.parametrize("catch", CATCHES, ids=str)
async def test_each_fault_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)


async def test_a_judge_who_lets_everything_pass_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = LIMITS.model_copy(update={"clock_drift_fail_seconds": math.inf})
    monkeypatch.setattr(clock_drift, "judge", lambda drift, limits, more=0.0: judge(drift, blind))
    outcome = await run_scenario("RS-07")
    assert outcome.failed == {"our clock +3 s", "our clock -3 s"}


async def test_a_decision_on_a_quote_from_the_future_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = OrderRefused("STALE_QUOTE", "No.")
    monkeypatch.setattr(clock_drift, "quote_problem", lambda *_: refusal)
    outcome = await run_scenario("RS-07")
    assert outcome.failed == {"quote 1.5 s ahead of the clock"}


@pytest.mark.parametrize(
    ("kept", "warned"), [(True, set()), (False, {"host clock"}), (None, {"host clock"})]
)
async def test_a_host_clock_that_nobody_keeps_is_a_warning(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch, kept: bool | None, warned: set[str]
) -> None:
    monkeypatch.setattr(clock_drift, "synchronised", lambda: kept)
    outcome = await run_scenario("RS-07")
    assert outcome.state == "PASSED"
    assert {name for name in outcome.warned if "host" in name} == {
        f"{name} kept by a time service" for name in warned
    }


def answers(ahead: float, rtt: float = 0.05) -> list[Sample]:
    """Answers of a gateway whose clock is `ahead` of ours, each taken half-way and floored."""
    moments = [100 + number * 0.45 for number in range(20)]
    return [Sample(at, at + rtt, math.floor(at + rtt / 2 + ahead)) for at in moments]


@pytest.mark.parametrize("ahead", [0.0, 0.4, -0.7, 2.6, -3.0, 3600.0])
def test_twenty_answers_in_whole_seconds_tell_the_offset_to_a_tenth(ahead: float) -> None:
    assert offset(answers(ahead)) == pytest.approx(ahead, abs=0.1)


def test_one_slow_answer_among_quick_ones_does_no_harm() -> None:
    slow = Sample(200.0, 205.0, 200.0)
    assert offset([*answers(0.3), slow]) == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize(
    ("drift", "state"),
    [
        (0.0, "OK"), (1.0, "OK"), (-1.0, "OK"), (1.01, "WARNING"), (-2.0, "WARNING"),
        (2.01, "FAIL"), (-2.01, "FAIL"), (math.nan, "FAIL"), (math.inf, "FAIL"),
    ],
)  # fmt: skip
def test_a_drift_is_judged_by_its_size(drift: float, state: str) -> None:
    assert judge(drift, LIMITS).state == state
    assert ("NTP" in judge(drift, LIMITS).text) is (state != "OK")


async def test_a_stricter_configuration_judges_more_strictly(run_scenario: Run) -> None:
    strict = {"clock_drift_warn_seconds": 0.5, "clock_drift_fail_seconds": 1.0}
    assert judge(1.1, LIMITS.model_copy(update=strict)).state == "FAIL"
    outcome = await run_scenario("RS-07", config={"thresholds": strict})
    assert outcome.failed == set()
    names = {check.name for check in outcome.trial.checks}
    assert {"our clock +2 s", "our clock -2 s", "our clock +0.75 s"} <= names
