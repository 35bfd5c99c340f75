"""Any message with any fields, at any version: the venue answers or ignores it, and goes on."""

from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokerage.simulator.clock import ManualClock
from brokerage.simulator.venue import Venue
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.tws import messages as tws
from brokerage.tws.codec import encode
from brokerage.tws.connection import Connection, Malformed, Received, Started, Unsupported
from brokerage.tws.framing import frame, join

MONDAY = datetime(2026, 11, 23, 15, tzinfo=UTC)
VERSIONS = (157, 163, 176, 178)
SPY = tws.Contract(756733, "SPY", "STK", exchange="SMART", currency="USD")
ORDER = tws.Order(action="BUY", quantity=3, order_type="LMT", limit_price=600.0, tif="DAY")
SOUND = (
    tws.PlaceOrder(200, SPY, ORDER),
    tws.CancelOrder(200),
    tws.ReqMktData(9, SPY, generic_ticks="233"),
    tws.CancelMktData(9),
    tws.ReqHistoricalData(12, SPY, False, "", "5 mins", "1 D", True, "TRADES"),
    tws.ReqAccountSummary(5, "All", "NetLiquidation,$LEDGER"),
    tws.ReqExecutions(13),
    tws.ReqPnlSingle(14, "DU1234567", "", 756733),
    tws.ReqContractDetails(15, SPY),
    tws.ReqTickByTick(16, SPY, "Last"),
    tws.ReqHistoricalTicks(17, SPY, False, "", "", 100, "TRADES", 1, False),
)
NUMBERS = sorted(tws.CLIENT.by_number)
VALUES = st.one_of(
    st.sampled_from(
        ("", "0", "1", "-1", "2", "9", "200", "-200", "756733", "SPY", "STK", "OPT", "BAG", "SMART")
    ),
    st.sampled_from(("1.7976931348623157E308", "2147483647", "Infinite", "1e308", "-1e308")),
    st.sampled_from(("9223372036854775807", "20261120", "20261123 15:00:00", "1 D", "5 mins")),
    st.sampled_from(("BUY", "SELL", "LMT", "MKT", "STP", "TRAIL", "GTC", "GTD", "IOC", "TRADES")),
    st.text(max_size=12),
)


class Bench:
    """A venue with an attacker, whose connection speaks one version, and somebody beside it."""

    def __init__(self, version: int) -> None:
        self.clock = ManualClock(MONDAY)
        self.venue = Venue(Floor(self.clock, lines=10_000))
        self.connection, self.version, self.heard = Connection(), version, []
        self.beside = Session(2, self.heard.append, self.heard.clear)
        self.venue.enter(self.beside)
        offer = f"v{version}..{version}".encode()
        for _ in self.connection.receive(b"API\0" + frame(offer)):
            self.connection.accept("20261123 10:00:00 EST")
        self.session = Session(1, self.connection.send, self.connection.close)
        self.send(["71", "2", "1", ""])

    def send(self, fields: list[str]) -> None:
        """One frame of the attacker, and a second in which it has its effects."""
        for event in self.connection.receive(frame(join(fields))):
            match event:
                case Started():
                    assert self.venue.enter(self.session)
                case Received(message):
                    self.venue.receive(self.session, message)
                case Malformed():
                    self.venue.receive(self.session, event)
                case Unsupported(_, received):
                    self.venue.receive(self.session, Malformed(received, ""))
        self.clock.advance(1.0)
        self.venue.catch_up(self.clock.time())
        self.connection.data_to_send()

    def answers(self) -> bool:
        """Whether the client beside is served."""
        before = len(self.heard)
        self.venue.receive(self.beside, tws.ReqCurrentTime())
        return any(isinstance(one, tws.CurrentTime) for one in self.heard[before:])


@st.composite
def frames(draw: st.DrawFn, version: int) -> list[str]:
    """A sound message with some fields replaced, or any number with any fields."""
    if draw(st.booleans()):
        return [str(draw(st.sampled_from(NUMBERS))), *draw(st.lists(VALUES, max_size=30))]
    sound = encode(draw(st.sampled_from(SOUND)), version).decode().split("\0")[:-1]
    places = st.integers(min_value=1, max_value=len(sound) - 1)
    for place, value in draw(st.lists(st.tuples(places, VALUES), max_size=4)):
        sound[place] = value
    return sound


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), version=st.sampled_from(VERSIONS))
def test_no_message_takes_the_venue_down(data, version):
    bench = Bench(version)
    for _ in range(data.draw(st.integers(min_value=1, max_value=8))):
        bench.send(data.draw(frames(version)))
    assert bench.answers()
