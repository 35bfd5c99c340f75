"""Everything that a simulated gateway can be set to, in one place."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from brokerage.simulator.data_rules import DataRules
from brokerage.simulator.rates import LINES
from brokerage.simulator.rules import Rules


@dataclass(frozen=True)
class Settings:
    """How one gateway is set; durations called wall are real seconds, all others simulated."""

    seed: int = 7
    name: str = ""  # sets its execution ids apart from a gateway's with the same seed and start
    speed: float = 1.0  # how much faster than the machine's its clock runs
    start: datetime | None = None  # of its clock, aware; None: now
    accounts: tuple[str, ...] = ("DU1234567",)
    cash: float = 100_000.0  # dollars in each account
    always_open: bool = True  # False: the exchange's calendar rules
    lines: int = LINES  # market-data lines; half as many messages a second are taken
    rules: Rules = field(default_factory=Rules)  # what concerns orders
    data: DataRules = field(default_factory=DataRules)  # what market data the login may have
    reject_over_rate: bool = False  # refuse messages above the rate instead of letting them wait
    latency: float = 0.0  # wall seconds between a message and its answer; a real one takes some ms
    state_dir: Path | None = None  # where ids, accounts and orders outlive the process
    transcript_path: Path | None = None  # a new file for every frame, beside those in memory
    handshake_limit: float = 15.0  # wall seconds in which a client must have started its API
    most_strangers: int = 64  # connections that have not; one more costs the oldest its place
    most_unsent: int = 16 * 2**20  # bytes that a slow reader may leave behind before it is dropped
