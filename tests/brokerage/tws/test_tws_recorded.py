"""Messages that a real gateway sent, as public projects have recorded them, come out the same."""

import pytest

from brokerage.tws import messages as tws
from brokerage.tws.codec import decode_server, encode
from brokerage.tws.framing import join, split

UNSET = "1.7976931348623157E308"
MARGINS = "|".join([UNSET] * 9)
ADJUSTED = "|".join([UNSET] * 6)
RECORDED = {  # version, fields; all from rust-ibapi's tests, accounts changed
    "openOrder": (
        164,
        "5|13|76792991|TSLA|STK||0|?||SMART|USD|TSLA|NMS|BUY|100|MKT|0.0|0.0|DAY||DU1234567||0||100"
        "|1376327563|0|0|0||1376327563.0/DU1234567/100||||||||||0||-1|0||||||2147483647|0|0|0||3|0"
        "|0||0|0||0|None||0||||?|0|0||0|0||||||0|0|0|2147483647|2147483647|||0||IB|0|0||0|0"
        f"|PreSubmitted|{MARGINS}||||||0|0|0|None|{ADJUSTED}|0||||0|1|0|0|0|||0",
    ),
    "completedOrder": (
        164,
        "101|265598|AAPL|STK||0|?||SMART|USD|AAPL|NMS|BUY|0|MKT|0.0|0.0|DAY||DU1234567||0"
        "||1824933227|0|0|0|||||||||||0||-1||||||2147483647|0|0||3|0||0|None||0|0|0||0|0||||0|0|0"
        f"|2147483647|2147483647||||IB|0|0||0|Filled|0|0|0|{UNSET}|{UNSET}|0|1|0||100|2147483647|0"
        "|Not an insider or substantial shareholder|0|0|9223372036854775807"
        "|20230306 12:28:30 America/Los_Angeles|Filled Size: 100",
    ),
    "execDetails": (
        164,
        "11|-1|13|76792991|TSLA|STK||0.0|||ISLAND|USD|TSLA|NMS|00025b46.63f8f39c.01.01"
        "|20230224  12:04:56|DU1234567|ISLAND|BOT|100|196.52|1376327563|100|0|100|196.52|||||2",
    ),
}


def plain(text: str) -> str:
    """A number in one spelling: real gateways write 0, 0.0 and nothing for the same figure."""
    try:
        return f"{float(text):.10g}"
    except ValueError:
        return text


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_message_is_written_as_it_was_read(name):
    version, text = RECORDED[name]
    payload = join(text.split("|"))
    message = decode_server(payload, version)
    assert type(message).__name__.lower() == name.lower()
    written = split(encode(message, version))
    assert list(map(plain, written)) == list(map(plain, split(payload)))


def test_a_recorded_order_reads_as_what_it_says():
    order = decode_server(join(RECORDED["openOrder"][1].split("|")), 164).order
    assert (order.action, order.quantity, order.order_type) == ("BUY", 100.0, "MKT")
    assert (order.min_quantity, order.percent_offset, order.duration) == (None, None, None)


def test_margins_that_are_not_set_are_never_empty():
    order = tws.Order(limit_price=0.0, aux_price=0.0, cash_quantity=0.0)
    written = split(encode(tws.OpenOrder(order=order), 178))
    assert written.count(UNSET) == 9 + 6
