"""A stream's quality: a sound gateway passes, and each fault turns the check that guards."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from brokerage.simulator.faults.quote_fault import QuoteFault
from brokerage.tws.messages import MarketDataType, TickPrice
from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught, Run
from validation.scenarios.streaming import crossed_share


def limits(**thresholds: float) -> dict[str, Any]:
    return {"thresholds": thresholds}


HALF_A_MINUTE = limits(stream_quality_seconds=30)
GAPS = ("longest gap", "longest silence", "seconds with a fresh update")
FEW = ("distinct updates", "distinct prices of one side")
KIND = "kind of data throughout"
TOLD = "bid, ask and last are told"


@dataclass
class TurnsDelayed(QuoteFault):
    """The line goes on, and from some moment on says that it is delayed."""

    def streamed(self, session: Any, message: Any) -> Iterable[Any]:
        if isinstance(message, TickPrice):
            return (MarketDataType(message.req_id, 3), message)
        return (message,)


def half(fault: Any, *checks: str, **more: Any) -> Catch:
    """A catch by half a minute of MD-04."""
    return catch("MD-04", fault, *checks, config=HALF_A_MINUTE, **more)


CATCHES = (
    half("frozen_prices", FEW[1]),
    catch(
        "MD-04", "frozen_prices", "longest standstill of the quote",
        after=20.0, speed=10.0, config=limits(stream_quality_seconds=60),
    ),
    half("farm_switch", *GAPS, after=2.0, also=FEW),
    half("market_farm_broken", *GAPS, after=2.0, also=FEW),
    half("link_lost", *GAPS, after=2.0, also=FEW),
    half("silent_after_1102", *GAPS, after=2.0, params={"seconds": 3.0}, also=FEW),
    half("competing_session", "stream stays open", *GAPS, also=(*FEW, TOLD, KIND)),
    half("no_quote", TOLD),
    half("no_trades", TOLD, also=(*FEW, GAPS[2])),
    half("crossed_quotes", "bid above ask"),
    half("ticks_out_of_order", "trades in the order of their times", also=("bid above ask",)),
    half("delayed_instead_of_live", KIND, *GAPS[::2], also=FEW),
    half(TurnsDelayed, KIND, after=5.0),
    half("bursts_of_ticks", "longest silence", params={"every": 25.0}, also=(*GAPS, *FEW)),
    half("half_open_socket", *GAPS, after=2.0, also=FEW),
)  # fmt: skip


async def test_passes_on_a_sound_gateway(sound: Run) -> None:
    outcome = await sound("MD-04")
    assert (outcome.failed, outcome.ending.reason) == (set(), "")
    assert outcome.state == "PASSED"


@pytest.mark.parametrize("catch", CATCHES, ids=str)
async def test_each_fault_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)


@pytest.mark.parametrize("fault", ["fractional_sizes", "split_frames"])
async def test_what_a_good_client_puts_up_with_passes(run_scenario: Run, fault: str) -> None:
    outcome = await run_scenario("MD-04", config=HALF_A_MINUTE, catch=catch("MD-04", fault))
    assert (outcome.state, outcome.failed) == ("PASSED", set())


@pytest.mark.parametrize(
    "levers", [{"stream_stops_after_s": 8}, {"stream_slow_s": 22}, {"frozen_quotes": True}], ids=str
)
async def test_a_stream_that_stops_stammers_or_repeats_itself_fails(
    run_scenario: Run, levers: dict[str, Any]
) -> None:
    outcome = await run_scenario("MD-04", config=HALF_A_MINUTE, **levers)
    assert {"longest gap", "seconds with a fresh update"} <= outcome.failed


async def test_the_number_of_updates_is_the_configured_one(run_scenario: Run) -> None:
    config = limits(stream_quality_min_quotes=10_000, stream_quality_seconds=10)
    outcome = await run_scenario("MD-04", config=config)
    assert outcome.failed == {"distinct updates"}


async def test_a_stream_that_overflows_its_buffer_fails(run_scenario: Run) -> None:
    config = limits(stream_buffer_bound=10, stream_quality_seconds=10)
    outcome = await run_scenario("MD-04", config=config)
    buffer = next(row for row in outcome.trial.checks if row.name == "buffer")
    assert buffer.expected == "at most 10, none dropped"
    assert outcome.measured["buffer_peak"] <= 10


def test_the_time_for_which_bid_stands_above_ask_is_a_share_of_the_whole() -> None:
    quotes = [(0.0, 10.0, 10.1), (2.0, 10.2, 10.1), (3.0, 10.2, 10.3), (9.0, 10.4, 10.3)]
    assert crossed_share(quotes, 10.0) == pytest.approx(0.2)
    assert crossed_share([], 10.0) == 0.0


def test_a_locked_market_is_not_crossed() -> None:
    assert crossed_share([(0.0, 10.0, 10.0)], 10.0) == 0.0
