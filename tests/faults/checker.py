"""Judge a schedule's history: nothing lost, doubled or unexplained, and an honest end. Pure."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from tests.faults.history import AttemptRow, EntryRow, History, OrderRow, doubled

DETECTED_WITHIN_S = 20.0
UNSENT = frozenset({"INTENT", "REFUSED"})
ENDED = frozenset({"REFUSED", "FILLED", "REJECTED", "CANCELLED"})
ENDS = ("order.filled", "order.cancelled", "order.rejected")
OPEN_ATTEMPTS = frozenset({"PENDING", "RUNNING"})
WITHOUT_RUN = frozenset({"SKIPPED", "ABORTED"})
NEVER_ARRIVED = "NOT_AT_BROKER"


@dataclass(frozen=True)
class Violation:
    """One thing that must not be: the kind (lost, doubled, unexplained, late …) and the words."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


Found = Iterator[Violation]
Rule = Callable[[History], Found]
RULES: list[Rule] = []


def rule(function: Rule) -> Rule:
    """Add a rule to the list."""
    RULES.append(function)
    return function


def judge(history: History) -> list[Violation]:
    """Return every violation, in the order of the rules."""
    return [found for one in RULES for found in one(history)]


# -- orders ---------------------------------------------------------------------------------------


@rule
def every_order_on_the_wire_is_on_record(history: History) -> Found:
    """What a client sent has one record that says so, and was sent once unless it was changed."""
    records = {(o.client_id, o.order_id, o.ref): o for o in _sent(history)}
    changed = {event.order for event in history.events if event.kind == "CHANGE"}
    for placed in history.broker.placed:
        record = records.get((placed.client_id, placed.order_id, placed.ref))
        if record is None:
            yield Violation("unexplained", f"{placed} was sent, and no record says so")
    for placed in doubled(history.broker.placed):
        record = records.get((placed.client_id, placed.order_id, placed.ref))
        if record is None or record.pk not in changed:
            yield Violation("doubled", f"{placed} was sent twice")


@rule
def every_order_that_claims_to_be_sent_was_on_the_wire(history: History) -> Found:
    """A record of an order that the broker is said to have had is borne out by the wire."""
    placed = {(one.client_id, one.order_id, one.ref) for one in history.broker.placed}
    for order in _sent(history):
        arrived = order.acknowledged or order.filled or order.reason != NEVER_ARRIVED
        if arrived and (order.client_id, order.order_id, order.ref) not in placed:
            yield Violation("unexplained", f"{_name(order)} is on record and was never sent")


@rule
def every_sent_order_stands_once_in_the_ledger(history: History) -> Found:
    """One entry when it leaves, one when it ends; none for an order that never left.

    One whose line was lost between the last look and the wire was placed, and refused after all.
    """
    for order in history.orders:
        left = len(history.entries_of("order.placed", order.pk))
        stopped = left == 1 and bool(history.entries_of("order.refused", order.pk))
        if left != (order.state not in UNSENT) and not stopped:
            kind = "doubled" if left > 1 else "lost" if not left else "unexplained"
            yield Violation(kind, f"{_name(order)}: {left} entries that it left")
        ends = sum(len(history.entries_of(kind, order.pk)) for kind in ENDS)
        if ends > 1:
            yield Violation("doubled", f"{_name(order)}: {ends} entries that it ended")
        if not ends and order.state in ENDED - UNSENT:
            yield Violation("lost", f"{_name(order)}: no entry that it ended")


@rule
def every_order_has_come_to_its_end(history: History) -> Found:
    """No record is left that works, or of which nobody knows what became of it."""
    for order in history.orders:
        if order.state not in ENDED | {"INTENT"}:
            yield Violation("lost", f"{_name(order)}: its end")


@rule
def no_order_leaves_after_the_end(history: History) -> Found:
    """Once a session has ended before its time, only its clean-up trades."""
    if history.session is None:
        return
    state = history.session.state
    ends = [entry.sequence for entry in _moves(history) if entry.details["after"] == state]
    for order in history.orders:
        for entry in history.entries_of("order.placed", order.pk):
            if order.purpose != "CLEANUP" and ends and entry.sequence > max(ends):
                yield Violation("unexplained", f"{_name(order)} left after the session's end")


@rule
def no_event_of_an_order_is_doubled(history: History) -> Found:
    """What happened at one instant to one order is written once."""
    for key in doubled((e.order, e.kind, e.at, e.detail) for e in history.events):
        yield Violation("doubled", f"event {key[1]} of order {key[0]} at {key[2]}")


# -- executions and positions -----------------------------------------------------------------


@rule
def every_execution_is_recorded_once(history: History) -> Found:
    """The broker's executions and ours are the same."""
    there = {one.exec_id: one for one in history.broker.executions}
    ours = {one.exec_id: one for one in history.executions}
    for exec_id in there.keys() - ours.keys():
        yield Violation("lost", f"execution {there[exec_id]}")
    for exec_id in ours.keys() - there.keys():
        yield Violation("unexplained", f"execution {ours[exec_id]} is not the broker's")
    for exec_id in doubled(one.exec_id for one in history.executions):
        yield Violation("doubled", f"execution {exec_id}")
    for exec_id in there.keys() & ours.keys():
        if (there[exec_id].signed, there[exec_id].con_id) != (
            ours[exec_id].signed, ours[exec_id].con_id,
        ):  # fmt: skip
            yield Violation("unexplained", f"{ours[exec_id]} is {there[exec_id]} at the broker")


@rule
def every_order_has_filled_what_its_executions_say(history: History) -> Found:
    """The quantity on an order's record is the sum of its executions."""
    sums: defaultdict[tuple[int, int, str], float] = defaultdict(float)
    for one in history.executions:
        sums[(one.client_id, one.order_id, one.ref)] += one.quantity
    for order in _sent(history):
        filled = sums[(order.client_id, order.order_id or 0, order.ref)]
        if abs(filled - order.filled) > 1e-9:
            said = f"{order.filled:g} filled, executions say {filled:g}"
            yield Violation("unexplained", f"{_name(order)}: {said}")


@rule
def nothing_is_left_at_the_broker(history: History) -> Found:
    """No own order works, no position is open."""
    for order in history.broker.working:
        yield Violation("left open", f"order {order} works at the broker")
    for con_id, quantity in history.broker.positions:
        if quantity:
            yield Violation("left open", f"position {quantity:+g} of {con_id}")


# -- attempts and their evidence ------------------------------------------------------------------


@rule
def every_attempt_has_one_end(history: History) -> Found:
    """It ran at most once, ended once, and the ledger says both."""
    for attempt in history.attempts:
        name, entries = _attempt(attempt), _entries(history, attempt)
        runs = sum(entry.kind == "attempt.running" for entry in entries)
        ends = [entry for entry in entries if entry.kind != "attempt.running"]
        if attempt.state in OPEN_ATTEMPTS:
            if runs or not _handed_back(history):
                yield Violation("lost", f"the end of {name}")
        elif len(ends) != 1:
            yield Violation("doubled" if ends else "lost", f"{name} ended {len(ends)} times")
        elif ends[0].kind != f"attempt.{attempt.state.lower()}":
            yield Violation("unexplained", f"{name} is {attempt.state}, its entry {ends[0].kind}")
        if runs > 1:
            yield Violation("doubled", f"{name} ran {runs} times")
        if not runs and attempt.state not in WITHOUT_RUN | OPEN_ATTEMPTS:
            yield Violation("lost", f"{name}: the entry that it ran")


@rule
def every_verdict_rests_on_its_checks(history: History) -> Found:
    """Checks are numbered without a gap; PASSED has no failed one, FAILED has one."""
    checks = defaultdict(list)
    for check in history.checks:
        checks[check.attempt].append(check)
    for attempt in history.attempts:
        own = sorted(checks[attempt.pk], key=lambda check: check.position)
        positions = [check.position for check in own]
        if positions != list(range(1, len(own) + 1)):
            yield Violation("lost", f"{_attempt(attempt)}: checks {positions}")
        good = [check.passed for check in own if check.required]
        if attempt.state == "PASSED" and not (good and all(good)):
            yield Violation("lost", f"{_attempt(attempt)} passed on {good}")
        if attempt.state == "FAILED" and all(good):
            yield Violation("lost", f"{_attempt(attempt)} failed, and no check says so")


@rule
def no_line_is_doubled(history: History) -> Found:
    """A log line or metric of one instant is written once."""
    for key in doubled((row.table, row.attempt, row.at, row.text) for row in history.lines):
        yield Violation("doubled", f"{key[0]} {key[3]!r} at {key[2]}")


@rule
def what_was_committed_is_still_there(history: History) -> Found:
    """No append-only row that was once readable is gone or changed."""
    now = {(row.table, row.pk): row.digest for row in history.kept}
    for row in sorted(history.witnessed.rows, key=lambda row: (row.table, row.pk)):
        digest = now.get((row.table, row.pk))
        if digest is None:
            yield Violation("lost", f"row {row.pk} of {row.table}")
        elif digest != row.digest:
            yield Violation("unexplained", f"row {row.pk} of {row.table} was changed")


@rule
def a_result_stands(history: History) -> Found:
    """The last state of an attempt, once seen, does not change."""
    states = {attempt.pk: attempt.state for attempt in history.attempts}
    for pk, state in history.witnessed.results:
        if state not in OPEN_ATTEMPTS and states.get(pk) != state:
            yield Violation("lost", f"attempt {pk} was {state} and is {states.get(pk)}")


# -- the ledger -----------------------------------------------------------------------------------


@rule
def the_ledger_is_whole(history: History) -> Found:
    """Its numbers have no gap, and each entry has the digest of what it says."""
    numbers = [entry.sequence for entry in history.entries]
    if numbers and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        yield Violation("lost", f"ledger entries between {numbers[0]} and {numbers[-1]}")
    for entry in history.entries:
        if hashlib.sha256(entry.body.encode()).hexdigest() != entry.digest:
            yield Violation("unexplained", f"ledger entry {entry.sequence} was altered")
        elif json.loads(entry.body)["sequence"] != entry.sequence:
            yield Violation("unexplained", f"ledger entry {entry.sequence} was moved")


@rule
def every_change_of_state_is_in_the_ledger(history: History) -> Found:
    """The session's moves are a chain that ends in the state in which it is."""
    moves = _moves(history)
    for earlier, later in pairwise(moves):
        if earlier.details["after"] != later.details["before"]:
            yield Violation("lost", f"what happened between {earlier.kind} and {later.kind}")
    if history.session and moves and moves[-1].details["after"] != history.session.state:
        yield Violation("lost", f"the entry of the session's state {history.session.state}")


# -- the session ----------------------------------------------------------------------------------


@rule
def the_session_ended_honestly(history: History) -> Found:
    """It has ended, nobody holds it, and one that stopped says why; a whole one has results."""
    session = history.session
    if session is None:
        return
    if session.in_flight or session.leased:
        yield Violation("no end", f"{session.number} is {session.state}, leased: {session.leased}")
    if session.stopped and len(session.outcome) < 20:
        yield Violation("unexplained", f"{session.number} is {session.state} and says no reason")
    if session.cleanup in {"PENDING", "FAILED"}:
        yield Violation("left open", f"the clean-up of {session.number} is {session.cleanup}")
    if session.handed_back and not _findings(history):
        yield Violation("unexplained", f"{session.number} is a draft again and says no reason")
    if not (session.in_flight or session.stopped or session.handed_back):
        for attempt in history.attempts:
            if not attempt.ended or attempt.state == "ABORTED":
                yield Violation("lost", f"the result of {_attempt(attempt)}")


@rule
def tokens_only_grow(history: History) -> Found:
    """The fencing token never goes back."""
    tokens = history.witnessed.tokens
    if list(tokens) != sorted(tokens):
        yield Violation("unexplained", f"fencing tokens {tokens}")


@rule
def a_click_makes_one_session(history: History) -> Found:
    """What was asked for once was made once, and a message for the workers with it."""
    if history.sessions_made != 1:
        kind = "doubled" if history.sessions_made else "lost"
        yield Violation(kind, f"{history.sessions_made} sessions from one click")
    elif not history.outbox:
        yield Violation("lost", "the message that the session waits")


@rule
def a_dead_worker_is_noticed(history: History) -> Found:
    """A worker that is gone is noticed in time."""
    took = history.witnessed.detection_s
    if took is not None and took > DETECTED_WITHIN_S:
        yield Violation("late", f"the lost worker was noticed after {took:.1f} s")


def _handed_back(history: History) -> bool:
    return history.session is not None and history.session.handed_back


def _findings(history: History) -> str:
    """What the preflight found that made the session a draft again."""
    assert history.session
    state, moves = history.session.state, _moves(history)
    notes = [entry.details.get("note", "") for entry in moves if entry.details["after"] == state]
    return str(notes[-1]) if notes else ""


# -- words ----------------------------------------------------------------------------------------


def _moves(history: History) -> list[EntryRow]:
    """The entries about the session's own changes of state, in order."""
    number = history.session.number if history.session else ""
    own = [e for e in history.entries if (e.object_type, e.object_id) == ("session", number)]
    return [entry for entry in own if "after" in entry.details]


def _sent(history: History) -> list[OrderRow]:
    return [order for order in history.orders if order.state not in UNSENT]


def _name(order: OrderRow) -> str:
    return f"order {order.pk} ({order.ref}, {order.client_id}/{order.order_id}, {order.state})"


def _attempt(attempt: AttemptRow) -> str:
    return f"{attempt.scenario} #{attempt.number} ({attempt.pk})"


def _entries(history: History, attempt: AttemptRow) -> list[EntryRow]:
    """The entries about an attempt, which is named by its key or by session, scenario, number."""
    assert history.session
    name = f"{history.session.number}/{attempt.scenario}/{attempt.number}"
    about = {str(attempt.pk), name}
    return [e for e in history.entries if e.object_type == "attempt" and e.object_id in about]
