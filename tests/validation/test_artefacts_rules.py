"""The checklist's items about files: kept as text and XML, packed and verified."""

import pytest

from tests.validation.conftest import Toys, run
from tests.validation.recorded import record_session
from validation.facts import Facts
from validation.models import Session
from validation.rules import apply, kept

pytestmark = pytest.mark.django_db


def test_sound_results_are_kept_in_both_forms(db: None) -> None:
    found = apply("results_kept", Facts(record_session()))
    assert (found.ok, found.text) == (True, "5 cases in the XML, 5 in the text, of 5")


def test_a_case_that_gets_lost_is_noticed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    session = record_session()
    lost = kept.junit(Facts(session)).replace("testcase", "lost", 2)
    monkeypatch.setattr(kept, "junit", lambda facts: lost)
    assert apply("results_kept", Facts(session)).ok is False


def test_an_archive_that_differs_from_its_manifest_is_noticed(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = Facts(record_session())
    assert apply("archive_sound", facts).text == "6 files packed and verified"
    pack = kept.zipped
    monkeypatch.setattr(kept, "zipped", lambda files, at: pack(files[1:], at))
    found = apply("archive_sound", facts)
    assert (found.ok, found.text) == (False, "pytest_report.xml is missing.")


def test_both_items_tick_by_themselves(toys: Toys, sound: Session) -> None:
    run(sound)
    items = sound.checklist.items
    assert [items.get(code=code).state for code in ("1.4.4", "1.4.6")] == ["AUTO_PASS"] * 2
