"""The one place where data may begin to stream: the library's client refuses it anywhere else."""

from collections.abc import Collection
from typing import Any

from ib_async.client import Client

from brokerage.errors import StreamingForbiddenError


class ManagedClient(Client):
    """The library's client; a stream is requested for managed request ids alone.

    Snapshots, and historical bars that are not kept up to date, end by themselves and are free.
    Everything else raises StreamingForbiddenError before a byte is sent.
    """

    def __init__(self, wrapper: Any, managed: Collection[int]) -> None:
        super().__init__(wrapper)  # type: ignore[no-untyped-call]
        self._managed = managed

    def reqMktData(  # noqa: N802 - the library's name
        self,
        reqId: int,  # noqa: N803
        contract: Any,
        genericTickList: str,  # noqa: N803
        snapshot: bool,
        regulatorySnapshot: bool,  # noqa: N803
        mktDataOptions: Any,  # noqa: N803
    ) -> None:
        """Request a snapshot, or the stream of a managed request id."""
        if not snapshot and reqId not in self._managed:
            raise _refusal("A stream of quotes")
        args = (genericTickList, snapshot, regulatorySnapshot, mktDataOptions)
        super().reqMktData(reqId, contract, *args)  # type: ignore[no-untyped-call]

    def reqHistoricalData(self, *args: Any) -> None:  # noqa: N802
        """Request bars, once."""
        keep_up_to_date = args[8]
        if keep_up_to_date:
            raise _refusal("Historical bars that are kept up to date")
        super().reqHistoricalData(*args)  # type: ignore[no-untyped-call]

    def reqTickByTickData(self, *args: Any) -> None:  # noqa: N802
        """Refuse: nothing manages it."""
        raise _refusal("Tick-by-tick data")

    def reqRealTimeBars(self, *args: Any) -> None:  # noqa: N802
        """Refuse: nothing manages them."""
        raise _refusal("Real-time bars")

    def reqMktDepth(self, *args: Any) -> None:  # noqa: N802
        """Refuse: nothing manages it."""
        raise _refusal("Market depth")


def _refusal(what: str) -> StreamingForbiddenError:
    return StreamingForbiddenError(
        f"{what} outside of the managed subscription was refused; nothing was sent.",
        "Streams that nobody bounds, counts and closes overflow their reader.",
        "Take a snapshot, or open the desk's stream.",
    )
