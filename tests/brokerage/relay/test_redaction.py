"""No account id and no name gets into a redacted recording, and the frames stay what they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokerage.relay.redaction import Redactor
from brokerage.tws.codec import decode_server, encode
from brokerage.tws.framing import join, split
from brokerage.tws.messages import (
    AccountSummary,
    AccountValue,
    Error,
    ManagedAccts,
    OpenOrder,
    Order,
    PlaceOrder,
    ReqAccountUpdates,
)
from brokerage.tws.table import Message


def redacted(redactor: Redactor, message: Message) -> Message:
    """A gateway's message after redaction."""
    return decode_server(redactor.payload(encode(message, 178), False, 178), 178)


def asked(redactor: Redactor, message: Message) -> list[str]:
    """A client's message after redaction."""
    return split(redactor.payload(encode(message, 178), True, 178))


@pytest.mark.parametrize(
    ("account", "placeholder"),
    [
        ("DU7654321", "DU0000001"),
        ("U1234567", "U0000001"),
        ("U12345678", "U00000001"),
        ("DF123456", "DF000001"),
        ("F1234567", "F0000001"),
        ("I7654321", "I0000001"),
        ("DUP123456", "DUP000001"),
    ],
)
def test_an_id_keeps_its_letters_and_its_length(account, placeholder):
    assert Redactor().text(f"for {account}.".encode()).decode() == f"for {placeholder}."


def test_one_id_gets_one_placeholder_wherever_it_stands():
    redactor = Redactor()
    accounts = redacted(redactor, ManagedAccts("DU7654321,DU7654322")).accounts
    assert accounts == "DU0000001,DU0000002"
    assert redacted(redactor, AccountValue("AccountCode", "DU7654322", "", "DU7654322")) == (
        AccountValue("AccountCode", "DU0000002", "", "DU0000002")
    )
    text = redacted(redactor, Error(5, 201, "Account du7654321/DU7654322 has no permission")).text
    assert text == "Account DU0000001/DU0000002 has no permission"


def test_an_open_order_that_precedes_the_list_of_accounts_is_redacted_too():
    order = redacted(Redactor(), OpenOrder(order=Order(account="XX991")))
    assert order.order.account == "XX001"


@pytest.mark.parametrize(
    "message",
    [ReqAccountUpdates(account="ZZ4711"), PlaceOrder(order=Order(account="ZZ4711"))],
)
def test_an_id_that_the_client_passes_is_known_from_then_on(message):
    redactor = Redactor()
    assert "ZZ4711" not in asked(redactor, message)
    assert redacted(redactor, Error(1, 321, "no ZZ4711 here")).text == "no ZZ0001 here"


def test_an_id_given_beforehand_is_known_at_once():
    assert Redactor(["Q4711"]).text(b"Q4711") == b"Q0001"


def test_a_longer_id_is_not_mistaken_for_a_shorter_one_and_a_rest():
    redactor = Redactor(["DU1234", "DU12345678"])
    assert redactor.text(b"DU12345678 DU1234") == b"DU00000002 DU0001"


def test_a_group_in_an_account_field_is_a_name():
    redactor = Redactor()
    assert asked(redactor, ReqAccountUpdates(account="Miller Family"))[-1] == "(name 1)"
    assert asked(redactor, ReqAccountUpdates(account="All"))[-1] == "All"


@pytest.mark.parametrize("key", ["AccountAlias", "OwnerName", "Email"])
def test_values_that_name_a_person_are_withheld(key):
    assert redacted(Redactor(), AccountValue(key, "Jane Miller")).value == "(withheld)"
    assert redacted(Redactor(), AccountSummary(1, "", key, "Jane Miller")).value == "(withheld)"


def test_the_advisors_xml_is_withheld():
    payload = join(["16", "1", "3", "<alias>Jane</alias>"])
    assert Redactor().payload(payload, False, 178) == join(["16", "(withheld)"])


@pytest.mark.parametrize("to_gateway", [True, False])
def test_ids_in_protobuf_keep_the_body_valid(to_gateway):
    before = (201 + 5).to_bytes(4, "big") + b"\x0a\x09DU7654321\x10\x01"
    after = Redactor().payload(before, to_gateway, 222)
    assert after == before.replace(b"DU7654321", b"DU0000001")


def test_texts_after_a_binary_number_are_redacted():
    before = (15).to_bytes(4, "big") + join(["1", "ABC12345,XY777"])
    after = Redactor().payload(before, False, 205)
    assert after == (15).to_bytes(4, "big") + join(["1", "ABC00001,XY002"])


@pytest.mark.parametrize("text", ["US0378331005", "SPY   251219C00600000", "0000e0d5.67f1", "I5"])
def test_what_is_no_account_stays(text):
    assert Redactor().text(text.encode()) == text.encode()


@given(st.lists(st.text(max_size=20), min_size=1, max_size=8))
def test_fields_stay_as_many_and_as_long(texts):
    payload = join(["4", "2", *texts])
    assert len(Redactor().payload(payload, False, 178)) == len(payload)
