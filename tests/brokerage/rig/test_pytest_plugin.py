"""The fixture `tws_gateway` as another project's tests use it."""

import pytest

pytest_plugins = ["pytester"]

CONNECT = """
import asyncio
import pytest
from ib_async import IB

@pytest.fixture
def ib(tws_gateway):
    ib = IB()
    ib.connect(tws_gateway.host, tws_gateway.port, clientId=1)
    yield ib
    ib.disconnect()
"""


def test_it_serves_a_test_without_a_loop(project):
    project.makepyfile(
        CONNECT
        + """
def test_accounts(ib):
    assert ib.managedAccounts() == ["DU1234567"]
"""
    )
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_it_serves_an_asyncio_test(project):
    project.makepyfile(
        CONNECT
        + """
async def test_accounts(tws_gateway):
    ib = IB()
    await ib.connectAsync(tws_gateway.host, tws_gateway.port, clientId=1)
    frame = await asyncio.to_thread(tws_gateway.wait_for, "ReqExecutions")
    assert frame.client_id == 1
    ib.disconnect()
"""
    )
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_each_worker_of_xdist_has_its_own(project):
    body = "def test_{0}(ib):\n    assert ib.isConnected()\n"
    project.makepyfile(CONNECT + "".join(map(body.format, range(4))))
    project.runpytest_subprocess("-n", "2").assert_outcomes(passed=4)


def test_ini_class_and_test_set_it_up_the_closest_last(project):
    project.makeini(
        "[pytest]\ntws_gateway_speed = 20\ntws_gateway_seed = 3\n"
        "tws_gateway_accounts = DU1000001 DU1000002\ntws_gateway_always_open = no\n"
    )
    project.makepyfile("""
import pytest
from brokerage.simulator.data_rules import DataRules
from datetime import datetime, UTC

@pytest.mark.tws_gateway(seed=4, cash=5000.0)
class TestBot:
    @pytest.mark.tws_gateway(
        seed=5, start="2026-03-03T10:30-05:00", data=DataRules(subscribed=False))
    def test_all(self, tws_gateway):
        settings = tws_gateway.gateway.settings
        assert (settings.seed, settings.speed, settings.cash) == (5, 20.0, 5000.0)
        assert settings.accounts == ("DU1000001", "DU1000002")
        assert not settings.always_open
        assert not settings.data.subscribed
        assert settings.start == datetime(2026, 3, 3, 15, 30, tzinfo=UTC)
""")
    project.runpytest_subprocess("--strict-markers").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("sped=3", "*sped; there are seed, speed, start*"),
        ("3", "*an argument without a name*"),
        ("speed='fast'", "*tws_gateway_speed: 'fast' is not a speed from 1 to 1000*"),
        ("start='soon'", "*'soon' is not a time like*"),
        ("accounts='x'", "*'x' is not an account id like DU1234567*"),
    ],
)
def test_a_wrong_marker_is_told_plainly(project, marker, told):
    project.makepyfile(f"""
import pytest
@pytest.mark.tws_gateway({marker})
def test_it(tws_gateway): pass
""")
    result = project.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([told])


def test_a_failing_test_shows_the_end_of_the_wire(project):
    project.makepyfile(
        CONNECT
        + """
def test_it(tws_gateway, ib):
    tws_gateway.faults.on("half_open_socket")
    tws_gateway.faults.off("half_open_socket")
    tws_gateway.faults.on("clock_drift")
    assert ib.isConnected()
    assert False

def test_passing(ib):
    assert ib.isConnected()
"""
    )
    result = project.runpytest_subprocess("-rA")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "*- tws_gateway -*",
            "start 20* faults on: clock_drift",
            "* 1 → StartApi client_id=1",
            "* 1 ← … * more AccountValue",
            "* - ! half_open_socket on",
            "* - ! half_open_socket off",
            "* - ! clock_drift on *",
        ]
    )
    assert result.stdout.str().count("- tws_gateway -") == 1


def test_a_run_without_the_fixture_does_not_load_the_simulator(project):
    project.makepyfile("""
import sys
def test_it():
    assert not [name for name in sys.modules if name.startswith(("brokerage.simulator", "numpy"))]
""")
    project.runpytest_subprocess().assert_outcomes(passed=1)
