"""Faults of the gateway: restarted, without its link, an id in use, a dead or a cut line."""

from tests.faults.fault import Fault, Run, fault
from tests.faults.stage import SPEED

DURING = (
    "clicked", "claimed", "in a scenario", "order written down", "order working", "order filled",
    "after a result", "all results in",
)  # fmt: skip


class GatewayFault(Fault):
    """A fault of the catalogue; durations are seconds of the gateway's own clock."""

    switch = ""
    moments = DURING
    hold = (1.0, 6.0)

    def params(self, run: Run) -> dict[str, float | bool]:
        """Return what the fault is set to."""
        return {}

    def strike(self, run: Run) -> None:
        run.stage.gateway.switch(self.switch, **self.params(run))

    def heal(self, run: Run) -> None:
        run.stage.gateway.heal()


@fault("gateway restarted", "gateway")
class GatewayRestarted(GatewayFault):
    """All sockets end, nobody listens, ids are in use for a while, then the farms come back."""

    switch = "nightly_restart"

    def params(self, run: Run) -> dict[str, float | bool]:
        down = run.chance.uniform(1.0, 4.0) * SPEED
        return {"down": down, "id_stuck": 0.5 * SPEED, "half_ready": 0.5 * SPEED}


@fault("1100, then 1102", "gateway")
class LinkLost(GatewayFault):
    """The gateway has no link to the broker for a while; data was kept."""

    switch = "link_lost"

    def params(self, run: Run) -> dict[str, float | bool]:
        return {"seconds": run.chance.uniform(0.5, 5.0) * SPEED}


@fault("1100, then 1101", "gateway")
class DataLost(LinkLost):
    """The same, and every stream must be asked for again."""

    def params(self, run: Run) -> dict[str, float | bool]:
        return super().params(run) | {"data_lost": True}


@fault("326, client id in use", "gateway")
class ClientIdStuck(GatewayFault):
    """Whoever left can't come back under its id for some time."""

    switch = "client_id_stuck"

    def params(self, run: Run) -> dict[str, float | bool]:
        return {"seconds": run.chance.uniform(1.0, 6.0) * SPEED}


@fault("half-open line to the gateway", "gateway")
class HalfOpen(Fault):
    """The line swallows everything and nobody is told; then what hangs on it is reset."""

    moments = DURING
    hold = (1.0, 12.0)

    def strike(self, run: Run) -> None:
        run.stage.gateway.line.partition()

    def heal(self, run: Run) -> None:
        run.stage.gateway.line.restore()


@fault("line to the gateway cut", "gateway")
class LineCut(Fault):
    """The connection is reset in the middle of whatever is going on."""

    moments = DURING
    hold = (0.0, 0.2)

    def strike(self, run: Run) -> None:
        run.stage.gateway.line.cut()


@fault("gateway unreachable", "gateway")
class Unreachable(Fault):
    """Connections are reset and refused, for so long that the clean-up may have to wait."""

    moments = DURING[2:]
    hold = (2.0, 15.0)

    def strike(self, run: Run) -> None:
        run.stage.gateway.line.refuse()

    def heal(self, run: Run) -> None:
        run.stage.gateway.line.restore()
