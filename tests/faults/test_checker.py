"""The checker sees each kind of damage: a sound history is spoilt in one way at a time."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.checker import RULES, Violation, judge
from tests.faults.history import (
    AttemptRow,
    Broker,
    CheckRow,
    EntryRow,
    EventRow,
    ExecutionRow,
    History,
    LineRow,
    OrderRow,
    Placed,
    Seen,
    SessionRow,
    Witnessed,
)

NUMBER = "prelive_20260302_001"
REF = f"{NUMBER}/OE-01"


def entry(sequence: int, kind: str, about: str, pk: object, **details: Any) -> EntryRow:
    body = json.dumps({"sequence": sequence, "details": details})
    digest = hashlib.sha256(body.encode()).hexdigest()
    return EntryRow(sequence, kind, about, str(pk), body, digest, details)


def move(sequence: int, before: str, after: str) -> EntryRow:
    kind = f"session.{after.lower()}"
    return entry(sequence, kind, "session", NUMBER, before=before, after=after)


BOUGHT = ExecutionRow("0001.01", 210, 7, REF, 756733, "BUY", 1.0)
SOLD = ExecutionRow("0002.01", 210, 8, f"{REF}/cleanup", 756733, "SELL", 1.0)
ENTRIES = (
    move(11, "READY", "RUNNING"),
    entry(12, "attempt.running", "attempt", f"{NUMBER}/OE-01/1"),
    entry(13, "order.placed", "order", 1),
    entry(14, "order.filled", "order", 1),
    entry(15, "order.placed", "order", 2),
    entry(16, "order.filled", "order", 2),
    entry(17, "attempt.passed", "attempt", f"{NUMBER}/OE-01/1"),
    move(18, "RUNNING", "CLEANUP"),
    move(19, "CLEANUP", "REPORTING"),
)
ROWS = frozenset({Seen("validation_check", 1, "aa"), Seen("ledger_entry", 11, "bb")})
SOUND = History(
    session=SessionRow(NUMBER, "REPORTING", 1, False, "DONE", "", False, False),
    attempts=(AttemptRow(1, "OE-01", 1, "PASSED", True, True),),
    checks=(CheckRow(1, 1, True, True), CheckRow(1, 2, True, True)),
    lines=(LineRow("log line", 1, 1, "10:00:00.1", "placed"),),
    orders=(
        OrderRow(1, REF, 210, 7, "FILLED", "", 1.0, True, "TEST"),
        OrderRow(2, f"{REF}/cleanup", 210, 8, "FILLED", "", 1.0, True, "CLEANUP"),
    ),
    events=(EventRow(1, 1, "FILL", "10:00:00.2", "{}"),),
    executions=(BOUGHT, SOLD),
    entries=ENTRIES,
    broker=Broker((Placed(210, 7, REF), Placed(210, 8, f"{REF}/cleanup")), (BOUGHT, SOLD)),
    witnessed=Witnessed(ROWS, (0, 1, 1), ("READY", "REPORTING"), ((1, "PASSED"),), 17.0),
    kept=ROWS,
)  # fmt: skip


def with_session(history: History, **changes: Any) -> History:
    assert history.session
    return replace(history, session=replace(history.session, **changes))


def with_order(history: History, **changes: Any) -> History:
    first, *others = history.orders
    return replace(history, orders=(replace(first, **changes), *others))


def with_attempt(history: History, **changes: Any) -> History:
    return replace(history, attempts=(replace(history.attempts[0], **changes),))


def with_broker(history: History, **changes: Any) -> History:
    return replace(history, broker=replace(history.broker, **changes))


def with_witnessed(history: History, **changes: Any) -> History:
    return replace(history, witnessed=replace(history.witnessed, **changes))


def with_entries(*entries: EntryRow) -> Callable[[History], History]:
    """Replace the entries of these numbers, or add them."""
    known = {one.sequence: one for one in (*ENTRIES, *entries)}
    return lambda history: replace(
        history, entries=tuple(known[number] for number in sorted(known))
    )


def without_entry(number: int) -> Callable[[History], History]:
    """Drop an entry and number the others anew, as somebody would who covers it up."""
    left = [one for one in ENTRIES if one.sequence != number]
    moved = tuple(
        entry(11 + place, one.kind, one.object_type, one.object_id, **one.details)
        for place, one in enumerate(left)
    )
    return lambda history: replace(history, entries=moved)


DAMAGE: dict[str, tuple[str, Callable[[History], History]]] = {
    "an execution is not on record": ("lost", lambda h: replace(h, executions=(SOLD,))),
    "an execution is on record twice": (
        "doubled", lambda h: replace(h, executions=(*h.executions, BOUGHT)),
    ),
    "an execution is nobody's": ("unexplained", lambda h: with_broker(h, executions=(SOLD,))),
    "an execution has another quantity": (
        "unexplained", lambda h: replace(h, executions=(replace(BOUGHT, quantity=2.0), SOLD)),
    ),
    "an order was sent twice": (
        "doubled", lambda h: with_broker(h, placed=(*h.broker.placed, h.broker.placed[0])),
    ),
    "an order was sent without a record": (
        "unexplained", lambda h: with_broker(h, placed=(*h.broker.placed, Placed(210, 9, REF))),
    ),
    "an order on record was never sent": (
        "unexplained", lambda h: with_broker(h, placed=h.broker.placed[1:]),
    ),
    "an order's record is gone": ("unexplained", lambda h: replace(h, orders=h.orders[1:])),
    "an order's end is unknown": ("lost", lambda h: with_order(h, state="UNKNOWN")),
    "an order still seems to leave": ("lost", lambda h: with_order(h, state="SUBMITTING")),
    "an order has filled another quantity": ("unexplained", lambda h: with_order(h, filled=2.0)),
    "an order's entry is missing": ("lost", without_entry(13)),
    "an order's end has no entry": ("lost", without_entry(14)),
    "an order's end has two entries": (
        "doubled", with_entries(entry(20, "order.cancelled", "order", 1)),
    ),
    "an order left twice by the ledger": (
        "doubled", with_entries(entry(20, "order.placed", "order", 1)),
    ),
    "a refused order has left": (
        "unexplained",
        lambda h: with_order(h, state="REFUSED", filled=0.0),
    ),
    "an order left after the end": (
        "unexplained",
        lambda h: replace(
            with_entries(
                entry(13, "session.note", "session", NUMBER), entry(20, "order.placed", "order", 1)
            )(h)
        ),
    ),
    "an order's event is doubled": (
        "doubled", lambda h: replace(h, events=(*h.events, replace(h.events[0], pk=2))),
    ),
    "an order works at the broker": ("left open", lambda h: with_broker(h, working=(REF,))),
    "a position is open": ("left open", lambda h: with_broker(h, positions=((756733, 1.0),))),
    "an attempt has no end": ("lost", lambda h: with_attempt(h, state="RUNNING")),
    "an attempt ran twice": (
        "doubled", with_entries(entry(20, "attempt.running", "attempt", f"{NUMBER}/OE-01/1")),
    ),
    "an attempt ended twice": (
        "doubled", with_entries(entry(20, "attempt.aborted", "attempt", 1)),
    ),
    "an attempt's end has no entry": ("lost", without_entry(17)),
    "an attempt's start has no entry": ("lost", without_entry(12)),
    "an attempt's result was changed": ("lost", lambda h: with_attempt(h, state="FAILED")),
    "a check is missing": ("lost", lambda h: replace(h, checks=h.checks[1:])),
    "all checks are missing": ("lost", lambda h: replace(h, checks=())),
    "a verdict contradicts its checks": (
        "lost", lambda h: replace(h, checks=(h.checks[0], replace(h.checks[1], passed=False))),
    ),
    "a log line is doubled": (
        "doubled", lambda h: replace(h, lines=(*h.lines, replace(h.lines[0], pk=2))),
    ),
    "a committed row is gone": (
        "lost", lambda h: replace(h, kept=frozenset(row for row in ROWS if row.digest == "bb")),
    ),
    "a committed row was changed": (
        "unexplained",
        lambda h: replace(h, kept=frozenset(replace(row, digest="cc") for row in ROWS)),
    ),
    "the ledger has a gap": (
        "lost", lambda h: replace(h, entries=(*ENTRIES[:3], *ENTRIES[4:])),
    ),
    "an entry was altered": (
        "unexplained", with_entries(replace(ENTRIES[1], body=ENTRIES[2].body)),
    ),
    "a move has no entry": ("lost", without_entry(18)),
    "the last move has no entry": ("lost", without_entry(19)),
    "the session goes on for ever": ("no end", lambda h: with_session(h, in_flight=True)),
    "somebody holds the ended session": ("no end", lambda h: with_session(h, leased=True)),
    "the clean-up was not made": ("left open", lambda h: with_session(h, cleanup="FAILED")),
    "a stopped session says no reason": ("unexplained", lambda h: with_session(h, stopped=True)),
    "a whole session lacks a result": ("lost", lambda h: with_attempt(h, state="ABORTED")),
    "a token goes back": ("unexplained", lambda h: with_witnessed(h, tokens=(2, 1))),
    "a click made two sessions": ("doubled", lambda h: replace(h, sessions_made=2)),
    "a click made no session": ("lost", lambda h: replace(h, sessions_made=0)),
    "nobody was told of the session": ("lost", lambda h: replace(h, outbox=0)),
    "a lost worker was noticed late": ("late", lambda h: with_witnessed(h, detection_s=20.5)),
}  # fmt: skip


def kinds(found: list[Violation]) -> set[str]:
    return {one.kind for one in found}


HANDED_BACK = replace(
    SOUND,
    session=SessionRow(NUMBER, "DRAFT", 1, False, "NOT_NEEDED", "", False, False, True),
    attempts=(AttemptRow(1, "OE-01", 1, "PENDING", False, False),),
    checks=(), orders=(), events=(), executions=(), broker=Broker(),
    witnessed=Witnessed(ROWS, (0, 1), ("PREFLIGHT", "DRAFT")),
    entries=(
        entry(11, "session.draft", "session", NUMBER, before="PREFLIGHT", after="DRAFT", note="!"),
    ),
)  # fmt: skip


def test_a_session_that_its_preflight_hands_back_need_not_have_run() -> None:
    assert judge(HANDED_BACK) == []


def test_a_session_that_is_handed_back_says_why() -> None:
    silent = move(11, "PREFLIGHT", "DRAFT")
    assert kinds(judge(replace(HANDED_BACK, entries=(silent,)))) == {"unexplained"}


def test_every_rule_is_proved_by_some_damage() -> None:
    spoilt = [spoil(SOUND) for _, spoil in DAMAGE.values()]
    idle = [rule.__name__ for rule in RULES if not any(list(rule(one)) for one in spoilt)]
    assert idle == []


def test_a_sound_history_has_no_violation() -> None:
    assert judge(SOUND) == []


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_checker_complains_when(damage: str) -> None:
    kind, spoil = DAMAGE[damage]
    assert kind in kinds(judge(spoil(SOUND)))


def test_an_order_that_never_arrived_is_no_violation() -> None:
    """Written down, then lost on the wire: the broker was asked, and the record says so."""
    history = with_order(
        SOUND, state="CANCELLED", reason="NOT_AT_BROKER", filled=0.0, acknowledged=False
    )
    history = replace(history, executions=(SOLD,))
    history = with_broker(history, placed=history.broker.placed[1:], executions=(SOLD,))
    assert judge(history) == []


def test_a_change_of_a_working_order_is_no_second_order() -> None:
    history = with_broker(SOUND, placed=(*SOUND.broker.placed, SOUND.broker.placed[0]))
    changed = EventRow(2, 1, "CHANGE", "10:00:00.15", "{}")
    assert judge(replace(history, events=(*SOUND.events, changed))) == []
