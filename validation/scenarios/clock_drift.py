"""Clocks: how far the gateway's is from ours, and whether a clock that is wrong is noticed."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from brokerage.errors import GatewayError
from brokerage.gateway import Contract, Quote
from brokerage.safety import quote_problem
from validation.config_thresholds import Thresholds
from validation.host_clock import synchronised
from validation.scenarios.catalogue import Category, scenario
from validation.scenarios.steps import allowance, market_open, spy
from validation.scenarios.streaming import listening
from validation.scenarios.trial import Trial

SAMPLES = 20
EVERY_S = 0.45  # no divisor of a second: the whole seconds are met at many places
ANSWER_LIMIT_S = 5.0
BEYOND_S = 1.0  # how far beyond the limit a fake clock is off
AHEAD_S = 1.5
FAKE_RTT_S = 0.02
ADVICE = "check that both hosts synchronise their clocks (NTP)"


class Sample(NamedTuple):
    """One answer: our clock at request and answer, and the gateway's whole second, in seconds."""

    sent: float
    received: float
    reported: float


@dataclass(frozen=True)
class Judgement:
    """What a drift in seconds means: OK, WARNING or FAIL, and what to do."""

    state: str
    text: str


def offset(samples: Sequence[Sample]) -> float:
    """Return the gateway's clock less ours, in seconds, from answers in whole seconds.

    Each answer leaves it an interval, [reported - received, reported + 1 - sent]; the middle of
    what all of them allow is taken. Raises ValueError without samples.
    """
    low = max(sample.reported - sample.received for sample in samples)
    high = min(sample.reported + 1 - sample.sent for sample in samples)
    return (low + high) / 2


def judge(drift: float, limits: Thresholds, more: float = 0.0) -> Judgement:
    """Return what a drift means; `more` seconds are allowed for what the machine loses."""
    if not abs(drift) <= limits.clock_drift_fail_seconds + more:
        text = f"The clocks are {drift:+.1f} s apart: {ADVICE}."
        return Judgement("FAIL", text)
    if abs(drift) > limits.clock_drift_warn_seconds + more:
        return Judgement("WARNING", f"The clocks are {drift:+.1f} s apart; {ADVICE}.")
    return Judgement("OK", f"{drift:+.2f} s")


@scenario(
    id="RS-07",
    slug="clock-drift-detection",
    title="Detection of clock drift",
    category=Category.RS,
    timeout=45,
    severity="S-MED",
    cases=(15,),
)
async def clock_drift_detection(trial: Trial) -> None:
    """The gateway's clock and ours agree, and a clock that is wrong is noticed.

    Takes the server's time 20 times and compares it with this host's clock; where a simulated clock
    runs faster than ours, with the times of the trades that its stream tells. Then does the same
    with a fake clock that is a second beyond the limit, fast and slow, and one between warning and
    limit; offers a quote from the future to the order decision, and asks the kernel whether a time
    service keeps the host's clock.

    Passes when

    - the clocks are at most as far apart as configured (2 seconds; above 1 second is a warning);
    - the clocks beyond the limit are judged a failure, in words that suggest NTP, the other a
      warning;
    - a quote that is more than 1 second ahead of the clock is flagged and not decided on.

    A host clock that no time service keeps is a warning: somebody must attest that it is right.
    """
    samples, reference = await _samples(trial)
    if samples:
        rtts = [sample.received - sample.sent for sample in samples]
        trial.measure("rtt_ms", sum(rtts) / len(rtts) / trial.clock.speed * 1000, "ms")
        _check_drift(trial, offset(samples) - reference)
    _check_injected(trial)
    _check_future(trial)
    _check_host(trial)


async def _samples(trial: Trial) -> tuple[list[Sample], float]:
    """Return the samples, and what the gateway's clock should be ahead of ours."""
    if trial.target.speed == 1:
        return await _ask(trial, time.time), 0.0
    if not market_open(trial):
        trial.note("A fast clock of a closed exchange: nothing to compare it with but itself.")
        samples = await _ask(trial, trial.clock.elapsed)
        return samples, offset(samples) if samples else 0.0
    contract, opened = await trial.desk.qualify(spy(trial)), trial.clock.elapsed()
    async with listening(trial, contract) as heard:
        samples = await _ask(trial, trial.clock.elapsed)
    ahead = [
        tick.exchange_time.timestamp() - opened - tick.at_session_s
        for tick in heard.ticks
        if tick.exchange_time is not None
    ]
    return samples, max(ahead, default=math.nan)


async def _ask(trial: Trial, clock: Callable[[], float]) -> list[Sample]:
    """Read the server's time again and again; what does not come is a failed check."""
    samples, why = [], ""
    for _ in range(SAMPLES):
        sent = clock()
        try:
            reported = await trial.desk.server_time(ANSWER_LIMIT_S)
        except GatewayError as error:
            why = str(error)
            break
        samples.append(Sample(sent, clock(), reported.timestamp()))
        await trial.clock.sleep(EVERY_S)
    trial.check("samples", SAMPLES, why or len(samples), passed=len(samples) == SAMPLES)
    return samples


def _check_drift(trial: Trial, drift: float) -> None:
    trial.measure("drift_s", drift, "s")
    limits = trial.config.thresholds
    judgement = judge(drift, limits, allowance(trial))
    expected = f"at most {limits.clock_drift_fail_seconds:g} s"
    trial.check("drift", expected, judgement.text, passed=judgement.state != "FAIL")
    small, expected = judgement.state == "OK", f"at most {limits.clock_drift_warn_seconds:g} s"
    trial.check("small drift", expected, judgement.text, small, required=False)


def _check_injected(trial: Trial) -> None:
    """Judge a fake clock of ours that is off by a known time."""
    limits = trial.config.thresholds
    far = limits.clock_drift_fail_seconds + BEYOND_S
    between = (limits.clock_drift_warn_seconds + limits.clock_drift_fail_seconds) / 2
    for seconds, wanted in ((far, "FAIL"), (-far, "FAIL"), (between, "WARNING")):
        judgement = judge(offset(_fake(seconds)), limits)
        trial.note(f"Our clock {seconds:+g} s: {judgement.state}: {judgement.text}")
        name = f"our clock {seconds:+g} s"
        trial.check(name, wanted, judgement.state)
        advised = "NTP" in judgement.text
        trial.check(f"{name}: message", "suggests NTP", judgement.text, passed=advised)


def _fake(ahead: float) -> list[Sample]:
    """Answers of a right clock in whole seconds, as ours sees them that is `ahead`."""
    moments = [number * EVERY_S for number in range(SAMPLES)]
    return [
        Sample(at + ahead, at + ahead + FAKE_RTT_S, math.floor(at + FAKE_RTT_S / 2))
        for at in moments
    ]


def _check_future(trial: Trial) -> None:
    now, contract = trial.desk.now(), Contract(0, spy(trial).symbol)
    at = now + timedelta(seconds=AHEAD_S)
    quote = Quote(contract, bid=1.0, ask=1.01, last=1.0, exchange_time=at, received_at=now)
    problem = quote_problem(quote, now)
    actual = "accepted" if problem is None else problem.reason
    trial.check(f"quote {AHEAD_S:g} s ahead of the clock", "FUTURE_QUOTE", actual)


def _check_host(trial: Trial) -> None:
    kept = synchronised()
    actual = {True: "yes", False: "no", None: "the kernel does not say"}[kept]
    text = f"{actual}; attest it on the checklist" if kept is not True else actual
    name = "host clock kept by a time service"
    trial.check(name, "yes", text, passed=kept is True, required=False)
