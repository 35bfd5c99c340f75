"""A long answer comes in short turns, whatever is asked at once, and others are served between."""

from dataclasses import replace

from brokerage.simulator.turns import Turns
from brokerage.simulator.venue_details import ROWS
from brokerage.simulator.venue_floor import Session
from brokerage.tws import messages as tws
from tests.brokerage.simulator.tables import SPY, Table

CALLS = replace(SPY, sec_type="OPT", right="C")
CHAIN = replace(SPY, sec_type="OPT", expiry="20261127")


def another(table: Table, number: int) -> tuple[Session, list[object]]:
    """A further client, and what it is sent."""
    sent: list[object] = []
    session = Session(number, sent.append, sent.clear)
    assert table.venue.enter(session)
    sent.clear()
    return session, sent


def turns(table: Table) -> list[int]:
    """How many messages each turn of the agenda sends, until the client's last answer is there."""
    counts = []
    while table.venue.next_due() <= table.clock.time():
        before = len(table.sent)
        table.venue.advance()
        counts.append(len(table.sent) - before)
    return counts


def test_a_turn_costs_no_more_than_a_slice_however_much_is_asked():
    table = Table()
    for number in range(20):
        table.say(tws.ReqContractDetails(number, CHAIN))
    assert len(table.told(tws.ContractData)) == ROWS
    assert max(turns(table)) <= ROWS + 1
    ends = [one.req_id for one in table.told(tws.ContractDetailsEnd)]
    assert ends == list(range(20))
    rows = [one.req_id for one in table.told(tws.ContractData)]
    assert rows == sorted(rows)
    assert len(rows) == 20 * len(table.market.listings.find(symbol="SPY", sec_type="OPT",
                                                           expiry="20261127"))  # fmt: skip


def test_all_options_come_in_the_order_of_the_search():
    table = Table()
    table.say(tws.ReqContractDetails(1, CALLS))
    turns(table)
    wanted = table.market.listings.find(symbol="SPY", sec_type="OPT", right="C")
    assert [one.contract.con_id for one in table.told(tws.ContractData)] == [
        one.con_id for one in wanted
    ]


def test_another_client_does_not_wait_for_the_end_of_it():
    table = Table()
    other, sent = another(table, 2)
    for number in range(20):
        table.say(tws.ReqContractDetails(number, CALLS))
    table.venue.receive(other, tws.ReqContractDetails(1, SPY))
    assert [type(one) for one in sent] == [tws.ContractData, tws.ContractDetailsEnd]
    assert not table.told(tws.ContractDetailsEnd)


def test_two_long_answers_take_turns():
    table = Table()
    other, sent = another(table, 2)
    for number in range(10):
        table.say(tws.ReqContractDetails(number, CHAIN))
    table.venue.receive(other, tws.ReqContractDetails(1, CHAIN))
    while not any(isinstance(one, tws.ContractDetailsEnd) for one in sent):
        table.venue.advance()
    assert len(table.told(tws.ContractDetailsEnd)) <= 1


def test_what_does_not_fit_in_any_expiration_is_refused():
    table = Table()
    table.say(tws.ReqContractDetails(1, replace(CALLS, strike=0.07)))
    turns(table)
    assert table.codes() == [200]


def test_a_client_that_leaves_takes_its_answers_along():
    table = Table()
    for number in range(20):
        table.say(tws.ReqContractDetails(number, CALLS))
    table.venue.leave(table.session)
    told = len(table.sent)
    assert len(turns(table)) <= 1
    assert len(table.sent) == told


def test_a_step_that_fails_costs_its_own_answer_alone():
    table = Table()
    line, done = Turns(table.venue.floor), []

    def breaks():
        yield 1
        raise ZeroDivisionError

    def works():
        yield 1
        yield 2
        done.append(True)

    other, _ = another(table, 2)
    line.take(table.session, tws.ReqIds(1), breaks())
    line.take(other, tws.ReqIds(1), works())
    for _ in range(4):
        table.venue.advance()
    assert done
    assert table.codes() == [322]
