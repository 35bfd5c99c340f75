"""Three books compared, without a database or a gateway: every kind of difference, and none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from brokerage.comparison import (
    Books,
    Difference,
    FillRow,
    Kind,
    OrderRow,
    Setting,
    caught_up,
    compare,
    confirmed,
)

AT = datetime(2026, 2, 17, 15, tzinfo=UTC)
WORKS = OrderRow(77, 210, 5, "s1/OE", "BUY 1 SPY", "SUBMITTED", True, 1, 10)
LISTED = replace(WORKS, state="Submitted")
ENDED = OrderRow(77, 0, 0, "s1/OE", "", "Cancelled", open=False)
FILL = FillRow("x.1.01.01", 210, 5, "s1/OE", 756, "SPY", 1, 10.0, 1.0, AT)
FILLED = replace(WORKS, state="FILLED", open=False, filled=1)
OTHER = replace(FILLED, perm_id=76, order_id=6)
OTHERS_FILL = replace(FILL, order_id=6)
OURS = Setting(ours=lambda ref: ref.startswith("s1/"), listener=210)


def found(
    own: Books, broker: Books, wire: Books | None = None, setting: Setting = OURS
) -> list[Difference]:
    return compare(own, wire or Books(), broker, setting)


def kinds(differences: list[Difference]) -> list[str]:
    return [f"{'explained ' if one.explanation else ''}{one.kind.value}" for one in differences]


def orders(*rows: OrderRow) -> Books:
    return Books(orders=rows)


def fills(*rows: FillRow, state: OrderRow = FILLED) -> Books:
    return Books(orders=(state,), fills=rows)


def test_books_that_agree_differ_in_nothing() -> None:
    own = Books((WORKS, OTHER), (OTHERS_FILL,), {756: 1.0})
    assert found(own, Books((LISTED,), (OTHERS_FILL,), {756: 1.0})) == []


def test_what_the_broker_repeats_counts_once() -> None:
    broker = Books((LISTED, LISTED), (OTHERS_FILL, OTHERS_FILL), {756: 1.0})
    assert found(Books((WORKS, OTHER), (OTHERS_FILL,), {756: 1.0}), broker) == []


@pytest.mark.parametrize(
    ("own", "broker", "kind"),
    [
        (WORKS, (), "MISSING_THERE"),
        (WORKS, (ENDED,), "STATUS"),
        (replace(WORKS, state="UNKNOWN", open=None), (LISTED,), "STATUS"),
        (replace(WORKS, state="UNKNOWN", open=None), (), "MISSING_THERE"),
        (replace(WORKS, state="CANCELLED", open=False), (LISTED,), "STATUS"),
        (replace(WORKS, state="CANCELLED", open=False), (ENDED, LISTED), "STATUS"),
        (WORKS, (replace(LISTED, quantity=2),), "QUANTITY"),
        (WORKS, (replace(LISTED, limit_price=11),), "PRICE"),
        (WORKS, (LISTED, replace(LISTED, perm_id=78)), "MISSING_HERE"),
        (WORKS, (LISTED, replace(LISTED, perm_id=9, ref="other", client_id=3)), "FOREIGN_ORDER"),
    ],
)
def test_an_order_differs(own: OrderRow, broker: tuple[OrderRow, ...], kind: str) -> None:
    assert kinds(found(orders(own), orders(*broker))) == [kind]


def test_an_order_without_a_permanent_id_is_found_by_its_order_id() -> None:
    assert found(orders(replace(WORKS, perm_id=0)), orders(LISTED)) == []


def test_a_foreign_order_that_was_there_at_the_start_is_given() -> None:
    other = replace(LISTED, perm_id=9, ref="other")
    given = replace(OURS, foreign=frozenset({9}))
    assert found(Books(), orders(other), setting=given) == []


def test_an_order_that_its_executions_prove_filled_is_not_missing() -> None:
    broker = Books(fills=(FILL,))
    assert kinds(found(Books((WORKS,), (FILL,)), broker)) == ["STATUS"]


@pytest.mark.parametrize(
    ("own", "broker", "expected"),
    [
        ((), (FILL,), ["MISSING_HERE"]),
        ((FILL,), (), ["SHRUNK_FILL", "PHANTOM"]),
        ((FILL,), (replace(FILL, quantity=2),), ["QUANTITY", "QUANTITY"]),
        ((FILL,), (replace(FILL, price=11),), ["PRICE"]),
        ((FILL,), (replace(FILL, exec_id="x.1.01.02", price=11),), ["CORRECTED_EXECUTION"]),
        (
            (replace(FILL, exec_id="x.1.01.02", price=11),),
            (FILL,),
            ["explained CORRECTED_EXECUTION"],
        ),
        ((replace(FILL, commission=None),), (FILL,), ["COMMISSION"]),
        ((FILL,), (replace(FILL, commission=2.0),), ["COMMISSION"]),
        ((FILL,), (replace(FILL, commission=None),), []),
        ((FILL,), (FILL, replace(FILL, exec_id="xd1.1.01.01")), ["QUANTITY", "MISSING_HERE"]),
    ],
)
def test_an_execution_differs(
    own: tuple[FillRow, ...], broker: tuple[FillRow, ...], expected: list[str]
) -> None:
    assert kinds(found(fills(*own), fills(*broker))) == expected


def test_executions_of_others_are_not_ours() -> None:
    assert found(Books(), Books(fills=(replace(FILL, ref="s1x/OE"),))) == []


@pytest.mark.parametrize(("final", "expected"), [(False, []), (True, ["COMMISSION"])])
def test_a_commission_that_nobody_knows_differs_at_the_end_alone(
    final: bool, expected: list[str]
) -> None:
    bare = replace(FILL, commission=None)
    setting = replace(OURS, final=final)
    assert kinds(found(fills(bare), fills(bare), setting=setting)) == expected


@pytest.mark.parametrize(
    ("expected", "there", "held", "kind"),
    [
        (0.0, 1.0, 0.0, "FOREIGN_POSITION"),
        (1.0, 2.0, 1.0, "FOREIGN_POSITION"),
        (5.0, 4.0, 0.0, "FOREIGN_POSITION"),
        (1.0, 0.0, 1.0, "PHANTOM"),
        (6.0, 5.0, 1.0, "PHANTOM"),
        (1.0, -1.0, 1.0, "QUANTITY"),
    ],
)
def test_a_position_differs(expected: float, there: float, held: float, kind: str) -> None:
    setting = replace(OURS, held={756: held} if held else {})
    own, broker = Books(positions={756: expected}), Books(positions={756: there})
    (difference,) = found(own, broker, setting=setting)
    assert (difference.kind, difference.gap) == (kind, there - expected)


def test_an_old_position_message_is_explained_by_the_list() -> None:
    own = broker = Books(positions={756: 1.0})
    wire = Books(positions={756: 0.0})
    assert kinds(found(own, broker, wire)) == ["explained QUANTITY"]


def test_a_fill_that_nobody_told_of_is_explained_once_it_is_on_record() -> None:
    since = replace(OURS, since=AT - timedelta(seconds=1))
    assert kinds(found(fills(FILL), fills(FILL), setting=since)) == ["explained MISSING_HERE"]
    later = replace(OURS, since=AT + timedelta(seconds=1))
    assert found(fills(FILL), fills(FILL), setting=later) == []


def test_a_filled_quantity_that_went_back_is_explained_by_executions() -> None:
    back = orders(replace(WORKS, state="Submitted", filled=0, peak=1))
    assert kinds(found(fills(FILL), fills(FILL), back)) == ["explained SHRUNK_FILL"]
    assert "SHRUNK_FILL" in kinds(found(fills(), fills(), back))


def test_one_reading_alone_proves_nothing() -> None:
    first = found(orders(WORKS), Books())
    assert confirmed(first, []) == confirmed([], first) == []
    assert confirmed(first, first) == first


def test_what_asking_brought_is_told_as_explained() -> None:
    missing = found(fills(), fills(FILL))
    assert [one.kind for one in caught_up(missing, [])] == [Kind.MISSING_HERE]
    assert all(one.explanation for one in caught_up(missing, []))
    assert caught_up(missing, missing) == []
