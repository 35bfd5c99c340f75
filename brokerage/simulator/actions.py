"""What a script or the control API may do to a gateway while it runs, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brokerage.simulator.faults.box import Switch
from brokerage.simulator.faults.fault import FaultError
from brokerage.simulator.listings import WITHOUT_END

if TYPE_CHECKING:
    from brokerage.simulator.server import Gateway

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Action:
    """One thing to do; `takes` are its parameters and an example of each."""

    takes: Mapping[str, Any]
    do: Callable[["Gateway", Params], None]


def _drop_all(gateway: "Gateway", params: Params) -> None:
    gateway.note(Switch("drop_all", True))
    gateway.cut_all()


def _halt(gateway: "Gateway", params: Params) -> None:
    gateway.halt(con_id(params["symbol"]))


def _resume(gateway: "Gateway", params: Params) -> None:
    gateway.resume(con_id(params["symbol"]))


def _move(gateway: "Gateway", params: Params) -> None:
    gateway.move(con_id(params["symbol"]), float(params["ratio"]))


def _clear(gateway: "Gateway", params: Params) -> None:
    gateway.faults.clear()


ACTIONS: Mapping[str, Action] = {
    "clear": Action({}, _clear),
    "drop_all": Action({}, _drop_all),
    "halt": Action({"symbol": "SPY"}, _halt),
    "move": Action({"symbol": "SPY", "ratio": 0.98}, _move),
    "resume": Action({"symbol": "SPY"}, _resume),
}


def con_id(symbol: str) -> int:
    """The contract id of a share or an index; raises FaultError and names those there are."""
    for listing in WITHOUT_END.values():
        if listing.symbol == symbol:
            return listing.con_id
    listed = ", ".join(listing.symbol for listing in WITHOUT_END.values())
    raise FaultError(f"symbol {symbol!r} is not listed; there are {listed}.")


def check(name: str, params: Params) -> None:
    """Raises FaultError for an action or a parameter that there is not, or a bad value."""
    if name not in ACTIONS:
        raise FaultError(f"There is no action {name!r}; there are {', '.join(ACTIONS)}.")
    takes = ACTIONS[name].takes
    if set(params) != set(takes):
        raise FaultError(f"{name} takes {', '.join(takes) or 'no parameters'}.")
    if "symbol" in takes:
        con_id(params["symbol"])
    ratio = params.get("ratio", 1.0)
    if isinstance(ratio, bool) or not isinstance(ratio, (int, float)) or not 0 < ratio < 100:
        raise FaultError(f"ratio must be a number above 0 and below 100, not {ratio!r}.")


def perform(gateway: "Gateway", name: str, params: Params) -> None:
    """Do it; raises FaultError as `check` does."""
    check(name, params)
    ACTIONS[name].do(gateway, params)
