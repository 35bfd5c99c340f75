"""pytest plugin: the fixture `tws_gateway`, a simulated IB Gateway for each test that asks."""

import pytest

from brokerage.rig.plugin.options import MARKER, OPTIONS

FIXTURES = "brokerage.rig.plugin.fixtures"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a project set its gateways up in its ini file."""
    for option in OPTIONS:
        parser.addini(option.ini, f"crucible-gateway: {option.help}", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Announce the marker; load the gateway only now, so that coverage sees its modules."""
    names = ", ".join(option.name for option in OPTIONS)
    config.addinivalue_line("markers", f"{MARKER}({names}): set up the test's gateway")
    config.pluginmanager.import_plugin(FIXTURES)
