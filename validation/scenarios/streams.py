"""Market data that stream: one managed stream for a minute."""

from validation.scenarios.catalogue import MARKET_HOURS, Category, scenario
from validation.scenarios.figures import nearest_rank, newest_ages
from validation.scenarios.steps import allowance, spy
from validation.scenarios.streaming import (
    Heard,
    check_buffer,
    check_content,
    check_gaps,
    listening,
)
from validation.scenarios.trial import Trial

RANKS = (50, 95)  # percentiles that are reported


@scenario(
    id="MD-04",
    slug="market-data-stream-quality",
    title="Quality of the market data stream",
    category=Category.MD,
    timeout=150,
    expected=60,
    severity="S-MED",
    needs=[MARKET_HOURS],
    cases=(17,),
)
async def market_data_stream_quality(trial: Trial) -> None:
    """One managed stream of SPY stays healthy for a minute.

    Opens the stream, collects what arrives for 60 seconds and closes it. Only real updates
    count, by the exchange's time where it is given: a frozen stream that repeats itself fails.

    Passes when

    - there are at least the configured number of distinct updates (50);
    - in at least 95 % of the seconds the newest update is at most 5 seconds old, and no gap is
      longer than that, neither by the exchange's time nor by when the updates arrived;
    - bid, ask and last price are told, the prices move, and the bid is not above the ask;
    - the data are live throughout, and no trade is reported after a later one;
    - the buffer never exceeds its bound and drops nothing;
    - the stream stays open, and afterwards as many subscriptions are open as before.
    """
    contract = await trial.desk.qualify(spy(trial))
    thresholds = trial.config.thresholds
    seconds = thresholds.stream_quality_seconds
    async with listening(trial, contract) as heard:
        await heard.go_on(trial, seconds)
    _check_updates(trial, heard)
    _check_freshness(trial, heard, int(seconds))
    check_gaps(trial, heard, seconds, thresholds.stream_max_gap_seconds)
    check_content(trial, heard, seconds)
    check_buffer(trial, heard)


def _check_updates(trial: Trial, heard: Heard) -> None:
    distinct = {(tick.kind, tick.price, tick.exchange_time) for tick in heard.ticks}
    least = trial.config.thresholds.stream_quality_min_quotes
    many = len(distinct) >= least
    trial.check("distinct updates", f"at least {least}", len(distinct), passed=many)
    trial.measure("ticks", len(heard.ticks))
    trial.measure("distinct_seconds", len({int(heard.happened(tick)) for tick in heard.ticks}))


def _check_freshness(trial: Trial, heard: Heard, seconds: int) -> None:
    thresholds = trial.config.thresholds
    limit = thresholds.stream_max_gap_seconds + allowance(trial)
    ages = newest_ages([heard.happened(tick) for tick in heard.ticks], seconds)
    for rank in RANKS:
        trial.measure(f"age_p{rank}_s", nearest_rank(ages, rank), "s")
    share, fresh = sum(age <= limit for age in ages) / len(ages), thresholds.stream_fresh_share
    expected = f"at least {fresh:.0%}"
    trial.check("seconds with a fresh update", expected, f"{share:.0%}", passed=share >= fresh)
