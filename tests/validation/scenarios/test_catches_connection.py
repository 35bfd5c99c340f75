"""Faults of connection, restart, session and account: what fails of those who connect."""

from typing import Any

import pytest

from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught

ONE_TRY: dict[str, Any] = {"validation": {"max_retry_attempts": 1}}
ACCEPTED = "gateway accepts the client"
HOLDS, ANSWERS = "connection holds", "gateway answers"


def entering(fault: str, *checks: str, **more: Any) -> Catch:
    """A catch by BC-01, which tries once."""
    return catch("BC-01", fault, *(checks or (ACCEPTED,)), config=ONE_TRY, **more)


CATCHES = (
    entering("port_open_api_mute"),
    entering("port_closed"),
    entering("reset_on_connect"),
    entering("closes_after_handshake"),
    entering("mute_after_handshake"),
    entering("truncated_frame"),
    entering("nightly_restart"),
    entering("sunday_token_loss"),
    entering("wrong_account", "every account is a paper account", halts=True),
    entering("clock_drift", "server time", params={"seconds": 60.0}),
    entering("server_link_broken", "server time"),
    catch("BC-05", "client_id_stuck", "reconnected"),
    catch("BC-05", "port_closed", "first connection"),
    catch("BC-05", "nightly_restart", "first connection"),
    catch(
        "BC-05", "next_id_goes_back", "order ids do not go back",
        when={"message": "NextValidId", "direction": "out"},
    ),
    catch("BC-03", "mute_after_handshake", ANSWERS),
    catch("BC-03", "wrong_account", HOLDS),
    catch("RS-01", "gateway_freezes", ANSWERS),
    catch("RS-01", "half_open_socket", ANSWERS),
    catch("RS-01", "link_lost", ANSWERS),
    catch("RS-01", "server_link_broken", ANSWERS),
    catch("RS-01", "nightly_restart", HOLDS),
    catch("RS-01", "truncated_frame", HOLDS),
    catch("RS-02", "pacing_kick", HOLDS),
    catch("RS-02", "pacing_kick", ANSWERS, params={"silent": True}),
    catch("RS-06", "completed_orders_never_end", "reconciliation before"),
    catch("RS-04", "contract_details_never_end", "SPY afterwards"),
    catch("RS-04", "definition_farm_broken", "unknown symbol", "SPY afterwards"),
    catch("RS-04", "definition_farm_broken", "SPY afterwards", params={"refused": True}),
)  # fmt: skip


@pytest.mark.parametrize("catch", CATCHES, ids=str)
async def test_each_fault_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)
