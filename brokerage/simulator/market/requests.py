"""What may be asked of the history: durations, bar sizes and kinds of data, and the refusals."""

from dataclasses import dataclass

from brokerage.simulator.market.shapes import BarRequestError

DAILY = 86400
WEEKLY, MONTHLY = 7 * DAILY, 30 * DAILY
MINUTE, HOUR = 60, 3600
BAR_SECONDS = (
    {f"{n} secs": n for n in (1, 5, 10, 15, 30)}
    | {"1 min": MINUTE}
    | {f"{n} mins": n * MINUTE for n in (2, 3, 5, 10, 15, 20, 30)}
    | {"1 hour": HOUR}
    | {f"{n} hours": n * HOUR for n in (2, 3, 4, 8)}
    | {"1 day": DAILY, "1W": WEEKLY, "1M": MONTHLY}
)
ALIASES = {"1 week": "1W", "1 month": "1M"}
KINDS = ("TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK")
SMALL = 30  # seconds; bars up to this size are few to a request
MOST_SMALL_BARS, MOST_BARS = 2000, 20_000
LONGEST = {"S": 86_400, "D": 365, "W": 52, "M": 12, "Y": 30}
BAD_DURATION = "Historical data requested duration is invalid."
MORE_THAN_A_YEAR = (
    "Historical data requests for durations longer than 365 days must be made in years."
)
TOO_LONG = {
    "S": "Historical data request for greater than 86400 seconds rejected.",
    "D": MORE_THAN_A_YEAR,
    "W": MORE_THAN_A_YEAR,
    "M": MORE_THAN_A_YEAR,
    "Y": BAD_DURATION,
}
BAD_SIZE = "Historical data bar size setting is invalid. Legal ones are: " + ", ".join(BAR_SECONDS)
BAD_KIND = "What to show field is missing or incorrect."
TRADING_SECONDS = {"S": 1, "D": 23_400, "W": 5 * 23_400, "M": 21 * 23_400, "Y": 252 * 23_400}


@dataclass(frozen=True)
class Request:
    """A checked bar request; `end` in epoch seconds, never later than now.

    Durations in S, D, W, M and Y; bar sizes from `1 secs` to `1 day`, `1W` and `1M`; TRADES,
    MIDPOINT, BID, ASK or BID_ASK.
    """

    end: float
    amount: int
    unit: str  # S, D, W, M, Y
    size: int  # seconds
    what: str
    rth: bool
    live: bool = False  # goes on with updates, which nothing may be missing before

    @classmethod
    def parse(cls, end: float, duration: str, bar_size: str, what: str, rth: bool) -> "Request":
        """Raises BarRequestError for what a gateway does not serve."""
        size = BAR_SECONDS.get(ALIASES.get(bar_size, bar_size))
        if size is None:
            raise BarRequestError(BAD_SIZE)
        if what not in KINDS:
            raise BarRequestError(BAD_KIND)
        amount, unit = _duration(duration)
        request = cls(end, amount, unit, size, what, rth)
        request._check_step()
        return request

    @property
    def seconds(self) -> int:
        """Seconds of regular trading that it asks for."""
        return self.amount * TRADING_SECONDS[self.unit]

    def _check_step(self) -> None:
        bars = self.seconds / self.size
        if (self.size <= SMALL and bars > MOST_SMALL_BARS) or (
            self.size >= DAILY and self.unit == "S"
        ):
            raise BarRequestError(f"invalid step: {self.size}", 162)
        if bars > MOST_BARS:
            raise BarRequestError("Time length exceed max.", 162)


def _duration(text: str) -> tuple[int, str]:
    """Amount and unit; raises BarRequestError."""
    amount, _, unit = text.strip().partition(" ")
    unit = unit.upper()
    if unit not in LONGEST or not (amount.isascii() and amount.isdigit()) or len(amount) > 9:
        raise BarRequestError(BAD_DURATION)
    if not int(amount):
        raise BarRequestError(BAD_DURATION)
    if int(amount) > LONGEST[unit]:
        raise BarRequestError(TOO_LONG[unit])
    return int(amount), unit
