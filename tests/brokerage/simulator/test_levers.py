"""A gateway is sound until a test says otherwise."""

from dataclasses import fields

from brokerage.simulator.levers import Levers


def test_a_fresh_set_of_switches_is_all_off():
    assert all(not getattr(Levers(), field.name) for field in fields(Levers))


def test_switches_can_be_set_one_by_one():
    levers = Levers(no_ack=True, accounts=("U1234567",))
    levers.ack_delay_s = 2.0
    assert (levers.no_ack, levers.accounts, levers.ack_delay_s) == (True, ("U1234567",), 2.0)


def test_who_watches_is_told_of_changes_alone():
    levers, told = Levers(), []
    levers.watch(lambda name, value: told.append((name, value)))
    levers.no_ack = True
    levers.no_ack = True
    assert told == [("no_ack", True)]
