"""The fixture `tws_gateway`, and what it adds to the report of a test that failed."""

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from brokerage.rig.handles import TwsGateway
from brokerage.rig.plugin.options import settings
from brokerage.rig.story import lines

TOLD = 40  # lines of its wire that a failing test shows …
LOOKED_AT = 2000  # … out of so many messages


@pytest.fixture
def tws_gateway(request: pytest.FixtureRequest) -> Iterator[TwsGateway]:
    """A simulated IB Gateway of this test's own on a free local port."""
    with TwsGateway(**settings(request.node)) as gateway:
        yield gateway


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what crossed the wire last when a test fails."""
    report = yield
    gateway: Any = getattr(item, "funcargs", {}).get("tws_gateway")
    if report.failed and isinstance(gateway, TwsGateway):
        report.sections.append(("tws_gateway", _ending(gateway)))
    return report


def _ending(gateway: TwsGateway) -> str:
    """The line that makes the run again, and the last messages."""
    start = f"{gateway.gateway.clock.start:%Y-%m-%dT%H:%M:%S+00:00}"
    told = list(lines(gateway.transcript[-LOOKED_AT:]))[-TOLD:]
    active = ", ".join(fault.name for fault in gateway.faults.active()) or "none"
    return "\n".join([f"start {start} · faults on: {active}", *told])
