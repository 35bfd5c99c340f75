"""A session clock that tests move by hand."""

from brokerage.clock import SessionClock


class HandClock(SessionClock):
    """Stands still; sleeping moves it on at once and is remembered."""

    def __init__(self, speed: float = 1.0) -> None:
        super().__init__(speed)
        self.seconds = 0.0
        self.slept: list[float] = []

    def elapsed(self) -> float:
        """Where the test has put it."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Move on; a hair more than asked, as real sleeps do."""
        self.slept.append(seconds)
        self.seconds += seconds + 1e-6
