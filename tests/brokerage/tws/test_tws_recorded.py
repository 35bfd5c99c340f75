"""Messages that a real gateway sent, as public projects have recorded them, come out the same."""

import pytest

from brokerage.tws import messages as tws
from brokerage.tws.codec import decode_server, encode
from brokerage.tws.framing import join, split

UNSET = "1.7976931348623157E308"
MARGINS = "|".join([UNSET] * 9)
ADJUSTED = "|".join([UNSET] * 6)
# Class, version, fields: from the tests of rust-ibapi (164) and of ibkr-go (178, cut from 200).
RECORDED = [
    (
        tws.OpenOrder,
        164,
        "5|13|76792991|TSLA|STK||0|?||SMART|USD|TSLA|NMS|BUY|100|MKT|0.0|0.0|DAY||DU1234567||0||100"
        "|1376327563|0|0|0||1376327563.0/DU1234567/100||||||||||0||-1|0||||||2147483647|0|0|0||3|0"
        "|0||0|0||0|None||0||||?|0|0||0|0||||||0|0|0|2147483647|2147483647|||0||IB|0|0||0|0"
        f"|PreSubmitted|{MARGINS}||||||0|0|0|None|{ADJUSTED}|0||||0|1|0|0|0|||0",
    ),
    (
        tws.CompletedOrder,
        164,
        "101|265598|AAPL|STK||0|?||SMART|USD|AAPL|NMS|BUY|0|MKT|0.0|0.0|DAY||DU1234567||0"
        "||1824933227|0|0|0|||||||||||0||-1||||||2147483647|0|0||3|0||0|None||0|0|0||0|0||||0|0|0"
        f"|2147483647|2147483647||||IB|0|0||0|Filled|0|0|0|{UNSET}|{UNSET}|0|1|0||100|2147483647|0"
        "|Not an insider or substantial shareholder|0|0|9223372036854775807"
        "|20230306 12:28:30 America/Los_Angeles|Filled Size: 100",
    ),
    (
        tws.ExecDetails,
        164,
        "11|-1|13|76792991|TSLA|STK||0.0|||ISLAND|USD|TSLA|NMS|00025b46.63f8f39c.01.01"
        "|20230224  12:04:56|DU1234567|ISLAND|BOT|100|196.52|1376327563|100|0|100|196.52|||||2",
    ),
    (
        tws.CompletedOrder,
        178,
        "101|265598|AAPL|STK||0|?||SMART|USD|AAPL|NMS|BUY|1|TRAIL LIMIT|2000.05|1.0|DAY||DU1234567"
        "||0||1426085924|0|0|0||||||||||0||-1||||||2147483647|0|0||3|0||0|None||0|0|0||0|0|2000.0|"
        "||0|0|0|2147483647|2147483647||||IB|0|0||0|Cancelled|0|0|0|2000.0|0.05|0|1|0||0"
        "|2147483647|0|Not an insider or substantial shareholder|0|0|9223372036854775807"
        "|20260415 11:00:11 US/Eastern|Cancelled by Trader|||||",
    ),
    (
        tws.ExecDetails,
        178,
        "11|-1|1|265598|AAPL|STK||0.0|||IEX|USD|AAPL|NMS|0000e0d5.69dd7411.01.01"
        "|20260413 15:27:04 US/Eastern|DU1234567|IEX|BOT|1|257.95|389211034|94|0|1|257.95|||||2|0",
    ),
    (
        tws.CommissionReport,
        164,
        f"59|1|00025b46.63f8f39c.01.01|1.0|USD|{UNSET}|{UNSET}|",
    ),
    (
        tws.PositionData,
        178,
        "61|3|DU1234567|3691937|AMZN|STK||0.0|||NASDAQ|USD|AMZN|NMS|15|200.25",
    ),
    (tws.AccountSummary, 178, "63|1|1001|DU1234567|BuyingPower|300000.00|EUR"),
    (tws.TickPrice, 178, "1|6|1001|68|255.45|200|0"),
    (tws.OrderStatus, 164, "3|12|Filled|100|0|149.23|45587459|0|149.23|123||0"),
]


def plain(text: str) -> str:
    """A number in one spelling: real gateways write 0, 0.0 and nothing for the same figure."""
    try:
        return f"{float(text):.10g}"
    except ValueError:
        return text


@pytest.mark.parametrize(
    ("cls", "version", "text"),
    RECORDED,
    ids=[f"{cls.__name__}-{version}" for cls, version, _ in RECORDED],
)
def test_a_recorded_message_is_written_as_it_was_read(cls, version, text):
    payload = join(text.split("|"))
    message = decode_server(payload, version)
    assert type(message) is cls
    assert list(map(plain, split(encode(message, version)))) == list(map(plain, split(payload)))


def test_a_recorded_order_reads_as_what_it_says():
    _, version, text = RECORDED[0]
    order = decode_server(join(text.split("|")), version).order
    assert (order.action, order.quantity, order.order_type) == ("BUY", 100.0, "MKT")
    assert (order.min_quantity, order.percent_offset, order.duration) == (None, None, None)


def test_margins_that_are_not_set_are_never_empty():
    order = tws.Order(limit_price=0.0, aux_price=0.0, cash_quantity=0.0)
    written = split(encode(tws.OpenOrder(order=order), 178))
    assert written.count(UNSET) == 9 + 6
