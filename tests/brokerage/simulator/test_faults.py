"""A gateway is sound until a test says otherwise."""

from dataclasses import fields

from brokerage.simulator.faults import Faults


def test_a_fresh_set_of_switches_is_all_off():
    assert all(not getattr(Faults(), field.name) for field in fields(Faults))


def test_switches_can_be_set_one_by_one():
    faults = Faults(no_ack=True, accounts=("U1234567",))
    faults.ack_delay_s = 2.0
    assert (faults.no_ack, faults.accounts, faults.ack_delay_s) == (True, ("U1234567",), 2.0)
