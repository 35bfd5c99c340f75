"""Resilience: sound gateways pass, and each fault turns the check that guards against it."""

from dataclasses import replace
from typing import Any

import pytest
from ib_async import Client

from brokerage.broker import link
from brokerage.gateway import ContractSpec, Quote
from brokerage.models import OrderRecord
from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught, Run, unpaced
from validation.scenarios.trial import Trial, TrialListener


def limits(**thresholds: float) -> dict[str, Any]:
    return {"thresholds": thresholds}


IMPATIENT = limits(historical_timeout_seconds=0.9)


@pytest.mark.parametrize("scenario", ["RS-01", "RS-02", "RS-03", "RS-04"])
async def test_passes_on_a_sound_gateway(sound: Run, scenario: str) -> None:
    outcome = await sound(scenario)
    assert (outcome.failed, outcome.ending.reason) == (set(), "")
    assert outcome.state == "PASSED"


@pytest.mark.parametrize(
    ("scenario", "levers", "checks"),
    [
        ("RS-01", {"history_blocks_connection": True}, {"request beside it", "connection"}),
        (
            "RS-01",
            {"history_mute": True, "config": limits(historical_timeout_seconds=0.9)},
            {"patient request"},
        ),
        ("RS-03", {"frozen_quotes": True}, {"fresh quote of SPY"}),
        ("RS-03", {"crossed_quotes": True}, {"fresh quote of SPY"}),
        ("RS-04", {"unknown_symbol_resolves": True}, {"unknown symbol"}),
        ("RS-04", {"unknown_symbol_kills": True}, {"connection"}),
        ("RS-04", {"no_definition_after_error": True}, {"SPY afterwards"}),
    ],
)
async def test_fails_because_of(
    run_scenario: Run, scenario: str, levers: dict[str, Any], checks: set[str]
) -> None:
    outcome = await run_scenario(scenario, **levers)
    assert (outcome.state, outcome.failed) == ("FAILED", checks)


CATCHES = (
    catch("RS-01", "history_never_answered", "patient request", config=IMPATIENT),
    catch("RS-01", "history_farm_broken", "patient request", config=IMPATIENT),
    catch("RS-03", "delayed_instead_of_live", "fresh quote of SPY"),
    catch("RS-03", "no_quote", "fresh quote of SPY"),
    catch("RS-03", "crossed_quotes", "fresh quote of SPY"),
    catch("RS-03", "history_last_bar_wrong", "live quote agrees with the newest bar"),
)


@pytest.mark.parametrize("catch", CATCHES, ids=str)
async def test_each_fault_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)


async def test_a_quote_that_stands_while_the_market_moves_is_given_away_by_the_bars(
    run_scenario: Run,
) -> None:
    async def freeze(trial: Any) -> None:
        contract, take = await trial.desk.qualify(ContractSpec("SPY")), trial.desk.quote
        old = await take(contract)
        trial.shared["gateway"].move(contract.con_id, 1.02)
        await trial.shared["gateway"].skip(130)
        await trial.desk.server_time()

        async def frozen(*args: Any, **options: Any) -> Quote:
            quote: Quote = await take(*args, **options)
            return replace(quote, bid=old.bid, ask=old.ask, last=old.last)

        trial.desk.quote = frozen

    outcome = await run_scenario("RS-03", prepare=freeze)
    assert outcome.failed == {"live quote agrees with the newest bar"}


async def test_complaints_about_the_rate_fail(run_scenario: Run) -> None:
    outcome = await run_scenario("RS-02", speed=50, later={"max_rate_error": True})
    assert outcome.state == "FAILED"
    assert {"complaints about the rate", "requests answered"} <= outcome.failed
    assert outcome.measured["rate_limit_events"] > 0


async def test_a_gateway_that_hangs_up_on_snapshots_fails(run_scenario: Run) -> None:
    async def hang_up(trial: Any) -> None:
        async def dropped(*_: object, **__: object) -> None:
            await trial.shared["gateway"].drop_all()

        trial.desk.quote = dropped

    outcome = await run_scenario("RS-02", prepare=hang_up)
    assert outcome.failed == {"snapshots that succeed", "connection after the snapshots"}


async def test_the_message_rate_is_held_against_the_configuration(run_scenario: Run) -> None:
    outcome = await run_scenario(
        "RS-02", config=limits(max_messages_per_second=10), prepare=unpaced,
        snapshots_always_fail=True,
    )  # fmt: skip
    assert outcome.state == "FAILED"
    assert outcome.failed == {"snapshots that succeed", "messages in the fullest second"}


async def test_the_configured_message_rate_is_kept(run_scenario: Run) -> None:
    outcome = await run_scenario("RS-02", config=limits(max_messages_per_second=30))
    assert outcome.failed == set()
    assert 0 < outcome.measured["max_msgs_per_s"] <= 30


async def test_a_history_that_never_comes_back_is_reported(run_scenario: Run) -> None:
    config = limits(historical_timeout_seconds=0.9)
    outcome = await run_scenario("RS-02", history_mute=True, config=config)
    assert outcome.failed == {"historical requests"}


async def test_each_wait_after_a_rate_refusal_is_logged(sound: Run) -> None:
    outcome = await sound("RS-02")
    lines = [row for row in outcome.trial.notes if row.text.startswith("Rate limit: Waited")]
    assert len(lines) == 6
    assert all(row.planned and row.level == "WARNING" for row in lines)


async def test_a_product_that_waits_in_silence_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrialListener, "remark", lambda *_: None)
    outcome = await run_scenario("RS-02")
    names = {f"request after {count} refusals: lines in the log" for count in (3, 4)}
    assert outcome.failed == names


async def test_a_wait_that_is_doubled_once_more_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "BACKOFF_SECONDS", (2.0, 4.0, 8.0, 16.0))
    outcome = await run_scenario("RS-02", speed=10)
    last = "request after 4 refusals"
    assert outcome.failed == {last, f"{last}: lines in the log", "longest wait"}


async def test_a_request_that_is_given_up_in_silence_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrialListener, "remark", lambda *_: None)
    outcome = await run_scenario("RS-01")
    assert outcome.failed == {"impatient request: lines in the log"}


async def test_a_request_that_is_given_up_and_left_at_the_gateway_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "cancelHistoricalData", lambda *_: None)
    outcome = await run_scenario("RS-01")
    assert outcome.failed == {"impatient request: cancelled"}


async def test_the_impatient_request_is_cancelled_at_the_gateway(sound: Run) -> None:
    outcome = await sound("RS-01")
    names = [frame.name for frame in outcome.gateway.transcript if frame.direction == "in"]
    assert names.count("ReqHistoricalData") == 2
    assert names.count("CancelHistoricalData") == 1


async def test_the_staleness_limit_is_the_configured_one(run_scenario: Run) -> None:
    outcome = await run_scenario("RS-03", config=limits(quote_freshness_seconds=7))
    names = {row.name for row in outcome.trial.checks}
    expected = {f"quote of {age} s is refused" for age in (7, 8, 63)} | {"no quote is refused"}
    assert (outcome.state, expected - names) == ("PASSED", set())


async def test_no_decision_sends_an_order(sound: Run) -> None:
    outcome = await sound("RS-03")
    assert outcome.measured["stale_detected"] == 4
    assert not outcome.gateway.orders_received()


async def test_the_unknown_symbol_is_skipped_with_its_code(sound: Run) -> None:
    outcome = await sound("RS-04")
    skipped = next(row for row in outcome.trial.notes if "skipped" in row.text)
    assert (skipped.code, skipped.planned) == (200, True)
    assert outcome.measured["error_code"] == 200


@pytest.mark.parametrize(
    ("scenario", "failed"),
    [("RS-03", "orders from stale quotes"), ("MD-05", "orders from partial quotes")],
)
async def test_an_order_on_record_behind_a_bad_quote_is_found_out(
    run_scenario: Run, scenario: str, failed: str
) -> None:
    async def trade(trial: Trial) -> None:
        await OrderRecord.objects.acreate(
            scope=trial.ref.split("/")[0], ref=trial.ref, endpoint_id=trial.target.endpoint_id,
            key=f"{trial.ref}/1", con_id=1, symbol="SPY", sec_type="STK", side="BUY", quantity=1,
            order_type="MKT", state="INTENT",
        )  # fmt: skip

    outcome = await run_scenario(scenario, prepare=trade)
    assert (outcome.state, outcome.failed) == ("FAILED", {failed})
