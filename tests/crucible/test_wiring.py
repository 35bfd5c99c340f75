"""The halves of the product fit, and a change of evidence reaches the request that rests on it."""

from approvals import evidence as offered
from crucible import wiring
from validation.evidence import SessionEvidence
from validation.signals import changed


def test_approvals_reads_its_evidence_from_validation() -> None:
    assert isinstance(offered.load(), SessionEvidence)
    assert isinstance(wiring.evidence(), SessionEvidence)


def test_a_change_of_evidence_is_heard() -> None:
    receivers, _ = changed._live_receivers(None)
    assert wiring._void in receivers
