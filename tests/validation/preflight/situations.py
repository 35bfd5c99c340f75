"""Situations in which all is well but for what a test says, for the rules of the preflight."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from brokerage.calendar import ET
from tests.validation.conftest import well_gateway, well_host
from validation.configuration import Config
from validation.preflight.judging import Judgement, judge
from validation.preflight.situation import Bot, Plan, Sample, Situation

# A Tuesday, 11:00 in New York; the week's options expire on Friday the 20th.
NOON = datetime(2026, 2, 17, 11, 0, tzinfo=ET)


def bot(**changes: Any) -> Bot:
    """What a bot was uploaded to run with: as configured, but for what a test says."""
    said = {"host": "127.0.0.1", "port": 4002, "client_id": 1, "timeout": 30.0} | changes
    values = {f"gateway.{name}": value for name, value in said.items() if value is not None}
    return Bot(7, "ab" * 32, values)


def plan(**changes: Any) -> Plan:
    """A full session on a paper gateway in trading hours, with all in order."""
    well = Plan(
        now=NOON, config=Config().with_expiry("20260220"), config_number=3, code_version="abc",
        expected_account="DU1", upload_green=True,
        upload_text="Report 1: 9 tests, 0 not passed.", attested={"HP-02P": "op: PAPER, seen"},
        bot=bot(),
    )  # fmt: skip
    return replace(well, **changes)


def situation(
    plan_: dict[str, Any] | None = None,
    gateway: dict[str, Any] | None = None,
    host: dict[str, Any] | None = None,
) -> Situation:
    """A situation in which all is well, but for what a test says."""
    seen = {"expirations": ("20260220",)} | (gateway or {})
    return Situation(
        plan(**plan_ or {}),
        well_gateway(**seen),
        well_host(**{"code_version": "abc"} | (host or {})),
    )


def one(code: str, look: Situation) -> Judgement:
    """The verdict on one check."""
    (found,) = [judgement for judgement in judge(look) if judgement.code == code]
    return found


def at_drift(seconds: float) -> tuple[Sample, ...]:
    """Answers of a gateway whose clock our own is ahead of by so much."""
    return tuple(Sample(1000.999 + seconds + n, 1000.0 + n, 0.0) for n in range(3)) + tuple(
        Sample(1000.0 + seconds + n, 1000.0 + n, 0.0) for n in range(3)
    )


def samples(ms: float) -> tuple[Sample, ...]:
    return tuple(Sample(1000.0, 1000.0, ms) for _ in range(20))


def paper(**changes: Any) -> Config:
    """The configuration with other expectations of the account."""
    content = Config().with_expiry("20260220").content()
    content["paper_trading"] |= changes
    return Config.model_validate(content)


def thresholds(**changes: Any) -> Config:
    content = Config().with_expiry("20260220").content()
    content["thresholds"] |= changes
    return Config.model_validate(content)


def at_address(host: str, port: int) -> Config:
    content = Config().with_expiry("20260220").content()
    content["gateway"] |= {"host": host, "port": port}
    return Config.model_validate(content)
