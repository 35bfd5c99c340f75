"""What the watch finds out about a gateway's connection and its data, fault by fault."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.validation.watch.conftest import Open, Stage

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Case:
    """A fault that strikes while the watch looks; with `cut` connections are lost with it."""

    fault: str
    kind: str
    params: dict[str, Any] = field(default_factory=dict)
    cut: bool = False

    def __str__(self) -> str:
        return self.fault

    def strike(self, stage: Stage) -> None:
        """Switch it on."""
        stage.gateway.faults.on(self.fault, **self.params)
        if self.cut:
            stage.cut()


CASES = (
    Case("half_open_socket", "no_answer"),
    Case("gateway_freezes", "no_answer", {"seconds": 400.0}),
    Case("mute_after_handshake", "no_answer"),
    Case("port_open_api_mute", "no_connection", cut=True),
    Case("port_closed", "no_connection", cut=True),
    Case("reset_on_connect", "no_connection", cut=True),
    Case("closes_after_handshake", "no_connection", cut=True),
    Case("nightly_restart", "no_connection"),
    Case("sunday_token_loss", "no_connection"),
    Case("truncated_frame", "connection_lost"),
    Case("pacing_kick", "rate_refused"),
    Case("link_lost", "link_lost", {"seconds": 0.0}),
    Case("server_link_broken", "server_lost"),
    Case("market_farm_broken", "farm_down"),
    Case("history_farm_broken", "farm_down"),
    Case("definition_farm_broken", "farm_down"),
    Case("nightly_restart", "no_connection", {"announced": True}),
    Case("farm_flapping", "flapping"),
    Case("silent_after_1102", "silent_after_1102", {"seconds": 5.0}),
    Case("farm_switch", "silent_after_2104"),
    Case("competing_session", "competing_session"),
    Case("frozen_prices", "frozen_prices"),
    Case("stale_after_reconnect", "frozen_prices", {"seconds": 600.0}, cut=True),
    Case("delayed_instead_of_live", "data_not_live", cut=True),
    Case("clock_drift", "clock_drift"),
    Case("wrong_account", "account_changed"),
    Case("position_changed_elsewhere", "difference_foreign_position"),
    Case("positions_never_end", "not_reconciled"),
    Case("open_orders_never_end", "not_reconciled"),
    Case("executions_never_end", "not_reconciled"),
    Case("completed_orders_never_end", "not_reconciled"),
)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_the_watch_names_what_is_wrong(watched: Open, case: Case) -> None:
    async with watched() as stage:
        case.strike(stage)
        finding = await stage.sees(case.kind)
        assert finding.severity in {"ERROR", "CRITICAL"} or case.kind in {"flapping", "clock_drift"}
        assert not finding.planned


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("history_never_answered", "history_unanswered"),
        ("contract_details_never_end", "contract_unanswered"),
    ],
)
async def test_a_request_that_is_never_answered_is_found(
    watched: Open, fault: str, kind: str
) -> None:
    async with watched(before=fault) as stage:
        await stage.sees(kind)
