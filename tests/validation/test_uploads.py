"""Uploads: sound reports once, hostile files never."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from tests.conftest import People
from tests.validation.test_checklist import item
from validation import uploads
from validation.models import Column, ItemState, Session, Task, Upload
from validation.uploads import UploadConflict, UploadRefused, UploadTooLarge, parse, receive

GREEN = b'<testsuite><testcase name="a" time="1.5"/><testcase name="b" time="x"/></testsuite>'
RED = (
    b'<testsuites><testsuite><testcase name="a" classname="c"><failure message="no">t</failure>'
    b'</testcase><testcase name="b"><error>boom</error></testcase>'
    b'<testcase name="d"><skipped/></testcase><testcase name="e" time="nan"/></testsuite>'
    b"</testsuites>"
)
LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><testsuite><testcase name="&b;"/>'
    b"</testsuite>"
)
RUN = {"commit": "0123abc", "branch": "main", "run_url": "https://ci.example/run/1"}


def test_a_report_is_counted_from_its_cases() -> None:
    found = parse(RED)
    assert (found.tests, found.failures, found.errors, found.skipped) == (4, 1, 1, 1)
    assert [row["outcome"] for row in found.problems] == ["failure", "error", "skipped"]
    assert found.problems[0]["message"] == "no"
    assert parse(GREEN).duration_s == 1.5


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
        (b"not xml", "not XML"),
        (b"<testsuite>", "not XML"),
        (b"\xff\xfe\x00", "not XML"),
        (b'<?xml version="1.0" encoding="klingon"?><testsuite/>', "not XML"),
        (b"<html/>", "not JUnit"),
        (b"<testsuite/>", "no test cases"),
        (LAUGHS, "DTD"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite/>', "DTD"),
    ],
)
def test_what_is_no_sound_report_is_refused(raw: bytes, told: str) -> None:
    with pytest.raises(UploadRefused, match=told):
        parse(raw)


def test_a_huge_file_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LARGEST", 10)
    with pytest.raises(UploadTooLarge):
        parse(GREEN)


def test_deep_nesting_is_survived() -> None:
    deep = b"<testsuite>" * 50_000 + b"</testsuite>" * 50_000
    with pytest.raises(UploadRefused):
        parse(deep)


@pytest.mark.django_db
def test_the_same_run_is_stored_once(people: People) -> None:
    first, new = receive(people.ci, GREEN, **RUN)
    again, newer = receive(people.ci, GREEN, **RUN)
    assert (new, newer, first) == (True, False, again)
    with pytest.raises(UploadConflict, match=str(first.pk)):
        receive(people.ci, RED, **RUN)
    assert Upload.objects.count() == 1


@pytest.mark.django_db
def test_a_run_that_arrives_twice_at_once_is_stored_once(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = receive(people.ci, GREEN, **RUN)
    real, blind = uploads._known, [True]
    monkeypatch.setattr(uploads, "_known", lambda row: None if blind.pop() else real(row))
    blind.insert(0, False)
    assert receive(people.ci, GREEN, **RUN) == (first, False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"commit": "HEAD"}, {"branch": ""}, {"branch": "a\nb"}, {"run_url": "javascript:x"},
        {"kind": "LINT"},
    ],
)  # fmt: skip
def test_a_bad_description_is_refused(people: People, wrong: dict[str, str]) -> None:
    with pytest.raises(UploadRefused, match=next(iter(wrong))):
        receive(people.ci, GREEN, **(RUN | wrong))


@pytest.mark.django_db
def test_people_do_not_upload(people: People) -> None:
    with pytest.raises(PermissionDenied):
        receive(people.op, GREEN, **RUN)
    assert receive(people.ld, GREEN, **RUN)[1]


def after_upload(session: Session, by: User, raw: bytes, run: int, **extra: Any) -> str:
    told = RUN | {"commit": session.code_version, "run_url": f"https://ci.example/{run}"} | extra
    receive(by, raw, **told)
    return item(session, "1.1.27").state


@pytest.mark.django_db
def test_the_latest_report_of_the_sessions_version_ticks_its_item(
    reviewed: Session, people: People
) -> None:
    assert after_upload(reviewed, people.ci, GREEN, 1, commit="abcdef0") == ItemState.OPEN
    assert after_upload(reviewed, people.ci, RED, 2) == ItemState.AUTO_FAIL
    assert after_upload(reviewed, people.ci, GREEN, 3) == ItemState.AUTO_PASS
    assert Task.objects.get(code="1.1.1").column == Column.DONE


@pytest.mark.django_db
def test_a_decided_session_does_not_change_any_more(reviewed: Session, people: People) -> None:
    Session.objects.update(state="APPROVED")
    assert after_upload(reviewed, people.ci, GREEN, 1) == ItemState.OPEN


@pytest.mark.django_db
def test_a_report_in_which_everything_was_skipped_is_not_green(people: People) -> None:
    skipped = b'<testsuite><testcase name="a"><skipped/></testcase></testsuite>'
    assert not receive(people.ci, skipped, **RUN)[0].green
