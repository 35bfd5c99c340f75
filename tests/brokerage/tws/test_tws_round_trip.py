"""parse(serialise(message)) == message: every message, at each version that clients negotiate."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokerage.tws.codec import decode_client, decode_server, encode
from brokerage.tws.framing import split
from brokerage.tws.messages import CLIENT, SERVER
from tests.brokerage.tws.carried_strategy import carried

NEGOTIATED = (157, 176, 178)
ROWS = [(decode_client, row) for row in CLIENT.by_number.values()]
ROWS += [(decode_server, row) for row in SERVER.by_number.values()]


@pytest.mark.parametrize("version", NEGOTIATED)
@pytest.mark.parametrize(("decode", "row"), ROWS, ids=[row.name for _, row in ROWS])
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_message_comes_back_equal(decode, row, version, data):
    message = data.draw(carried(row.layout, version))
    assert decode(encode(message, version), version) == message


@pytest.mark.parametrize("version", NEGOTIATED)
@pytest.mark.parametrize("row", [row for _, row in ROWS], ids=[row.name for _, row in ROWS])
def test_a_message_is_read_to_its_last_field(row, version):
    texts = split(encode(row.layout.cls(), version))
    assert row.layout.reader(version)(texts, 1)[1] == len(texts)


IN = "71 1 2 3 4 5 6 7 8 9 15 16 17 20 25 49 50 51 58 59 61 62 63 64 76 77 78 80 81 82 85 87 90"
IN += " 91 92 93 94 95 96 97 98 99 104"
OUT = "1 2 3 4 5 6 7 8 9 10 11 15 17 21 45 46 49 50 52 53 54 55 57 58 59 61 62 63 64 73 74 75 76"
OUT += " 78 79 80 81 85 88 90 93 94 95 96 97 98 99 101 102 107"


@pytest.mark.parametrize(("table", "numbers"), [(CLIENT, IN), (SERVER, OUT)], ids=["in", "out"])
def test_the_set_is_complete(table, numbers):
    assert sorted(table.by_number) == sorted(map(int, numbers.split()))
