"""Ids only ever go up, for each client on its own, and over restarts."""

import pytest

from brokerage.simulator.ids import FIRST_ORDER_ID, FIRST_PERM_ID, Ids


def test_a_client_starts_at_the_first_order_id():
    assert Ids().next_order_id(4) == FIRST_ORDER_ID


def test_each_client_has_a_sequence_of_its_own():
    ids = Ids()
    ids.used(1, 500)
    assert (ids.next_order_id(1), ids.next_order_id(2)) == (501, FIRST_ORDER_ID)


def test_a_lower_order_id_never_takes_the_sequence_back():
    ids = Ids()
    ids.used(1, 500)
    ids.used(1, 300)
    assert ids.next_order_id(1) == 501


def test_permanent_and_execution_ids_never_repeat():
    ids = Ids("abc")
    assert [ids.perm_id() for _ in range(2)] == [FIRST_PERM_ID, FIRST_PERM_ID + 1]
    assert [ids.execution_id() for _ in range(2)] == ["abc.00000001.01.01", "abc.00000002.01.01"]


def test_restored_ids_go_on_where_the_others_stopped():
    before, after = Ids(), Ids()
    before.used(3, 900)
    before.perm_id()
    before.execution_id()
    after.restore(before.kept())
    assert after.next_order_id(3) == 901
    assert after.perm_id() == before.perm_id()
    assert after.execution_id() == before.execution_id()


@pytest.mark.parametrize(
    "change", [{"perm": 0}, {"perm": "x"}, {"execution": True}, {"orders": {"x": 1}}]
)
def test_nonsense_is_refused_and_changes_nothing(change):
    ids = Ids()
    with pytest.raises(ValueError, match=r"count from|invalid literal"):
        ids.restore(ids.kept() | change)
    assert ids.kept() == Ids().kept()
