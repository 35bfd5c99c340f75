"""pytest plugin: the fixture `tws_gateway`, a simulated IB Gateway for each test that asks."""

import importlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from brokerage.rig.plugin.options import MARKER, OPTIONS, known, settings

if TYPE_CHECKING:
    from brokerage.rig.handles import TwsGateway


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a project set its gateways up in its ini file."""
    for option in OPTIONS:
        parser.addini(option.ini, f"crucible-gateway: {option.help}", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Announce the marker."""
    names = ", ".join(option.name for option in OPTIONS)
    config.addinivalue_line("markers", f"{MARKER}({names}): set up the test's gateway")


@pytest.fixture
def tws_gateway(request: pytest.FixtureRequest) -> Iterator["TwsGateway"]:
    """A simulated IB Gateway of this test's own on a free local port."""
    # Loaded by the first test that asks for it: pytest loads this plugin in every run, also where
    # no test needs a gateway, and coverage must see the gateway's modules being imported.
    handles = importlib.import_module("brokerage.rig.handles")
    with handles.TwsGateway(**known(settings(request.node), handles.SETTINGS)) as gateway:
        yield gateway


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what crossed the wire last when a test fails."""
    report = yield
    gateway: Any = getattr(item, "funcargs", {}).get("tws_gateway")
    if report.failed and hasattr(gateway, "ending"):
        report.sections.append(("tws_gateway", gateway.ending()))
    return report
