"""Hold an outage under watch against the kill switch's rule about lost connections."""

from asgiref.sync import sync_to_async

from brokerage import kill
from brokerage.kill_rules import Loss
from brokerage.terms import PAPER, Target


class Outage:
    """One loss of a gateway while it lasts; session seconds."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._began: float | None = None
        self._planned_before = 0.0
        self._failed = 0
        self._tripped = False

    def over(self) -> None:
        """The gateway is up."""
        self._began, self._failed, self._tripped = None, 0, False

    def fail(self, *, planned: bool) -> None:
        """An attempt to connect again has failed."""
        self._failed += not planned

    async def judge(self, now: float, planned: float) -> None:
        """Trip the switch when the outage asks for it; `planned` counts all planned seconds so far.

        A simulated gateway trips nothing: the switch is the whole product's.
        """
        if self._began is None:
            self._began, self._planned_before = now, planned
        loss = Loss(now - self._began, self._failed, planned - self._planned_before)
        if self._target.kind == PAPER and not self._tripped:
            self._tripped = bool(await sync_to_async(kill.judge_connection)([loss]))
