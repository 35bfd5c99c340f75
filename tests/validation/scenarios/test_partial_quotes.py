"""Partial quotes: none is decided on, and a decision that lets one through is found out."""

from typing import Any

import pytest

from brokerage.errors import OrderRefused
from brokerage.gateway import Quote, Remark
from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught, Run
from validation.scenarios import partial_quotes
from validation.scenarios.trial import TrialListener

WAYS = {
    "bid not a number", "ask not a number", "bid of -1", "ask of -1", "bid of 0", "ask of 0",
    "crossed", "no tick at all", "delayed",
}  # fmt: skip
NEVER_SENT = {"bid not a number", "ask not a number"}
CATCHES = (
    catch("MD-05", "contract_details_never_end", "live far put"),
    catch("MD-05", "half_open_socket", "live far put"),
)


async def test_passes_on_a_sound_gateway(sound: Run) -> None:
    outcome = await sound("MD-05")
    assert (outcome.failed, outcome.ending.reason) == (set(), "")
    assert outcome.state == "PASSED"


@pytest.mark.parametrize("catch", CATCHES, ids=str)
async def test_each_fault_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)


async def test_every_way_to_spoil_a_quote_is_offered_and_warned_of_once(sound: Run) -> None:
    outcome = await sound("MD-05")
    begin = "Nothing is decided on the quote, "
    decided = [row.text for row in outcome.trial.notes if row.text.startswith(begin)]
    assert {text.removeprefix(begin).split(": ")[0] for text in decided} == WAYS
    warned = [text for text in outcome.trial.remarks(Remark.DATA_QUALITY) if "SPY: " in text]
    assert len(warned) == len(WAYS) - len(NEVER_SENT)
    assert outcome.measured["incomplete_seen"] == outcome.measured["decisions_blocked"] == len(WAYS)
    assert not outcome.gateway.orders_received()


async def test_a_decision_that_takes_everything_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial_quotes, "objection", lambda *_: None)
    outcome = await run_scenario("MD-05")
    assert {f"quote, {way}: decision" for way in WAYS} <= outcome.failed
    assert "orders from partial quotes" in outcome.failed


async def test_a_product_that_warns_of_nothing_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrialListener, "remark", lambda *_: None)
    outcome = await run_scenario("MD-05")
    assert outcome.failed == {"data-quality warnings"}


async def test_the_live_quote_is_of_the_expiry_that_is_traded(sound: Run) -> None:
    outcome = await sound("MD-05")
    observed = next(row.text for row in outcome.trial.notes if row.text.startswith("Observed"))
    assert outcome.trial.config.test_contracts.spy_weekly_call.expiry in observed


async def test_a_decision_that_takes_nothing_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = OrderRefused("INCOMPLETE_QUOTE", "No.")
    monkeypatch.setattr(partial_quotes, "objection", lambda *_: refusal)
    outcome = await run_scenario("MD-05")
    assert "whole quote" in outcome.failed


async def test_quotes_that_are_classed_wrongly_are_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Quote, "quality", property(lambda _: "OK"))
    outcome = await run_scenario("MD-05")
    classes = {f"quote, {way}: class" for way in WAYS - {"delayed"}}
    assert classes <= outcome.failed


@pytest.mark.parametrize(
    "levers", [{}, {"no_bid": True}, {"crossed_quotes": True}], ids=["sound", "no bid", "crossed"]
)
async def test_a_live_quote_passes_whatever_it_is_when_it_is_classed_so(
    run_scenario: Run, levers: dict[str, Any]
) -> None:
    outcome = await run_scenario("MD-05", later=levers)
    assert (outcome.state, outcome.failed) == ("PASSED", set())
    assert "Observed SPY" in outcome.said
