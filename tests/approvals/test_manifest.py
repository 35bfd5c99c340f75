"""What is signed: the same bytes for the same content, readable, and comparable."""

import hashlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from approvals.manifest import ABSENT, Change, Manifest, Section, diff, in_words, sections

POLICY = {"code": "VALIDATION", "version": 1, "slots": []}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
CONTENT = st.dictionaries(st.text(max_size=4), VALUES, max_size=4)


def of(evidence: dict[str, Any]) -> Manifest:
    return Manifest.of("prelive_1", POLICY, evidence)


def test_changes_are_named_row_by_row_for_people() -> None:
    before = {"checklist": [{"code": "1.1.7", "note": "", "closed_at": 1}], "known_issues": "a"}
    after = {"checklist": [{"code": "1.1.7", "note": "x", "closed_at": 2}], "known_issues": "b"}
    names = in_words(diff({"evidence": before}, {"evidence": after}))
    assert names == ["checklist 1.1.7 (closed at, note)", "known issues"]


def test_the_text_is_canonical_json() -> None:
    assert of({"é": 1.0, "b": [True, None], "a": "x"}).text == (
        '{"evidence":{"a":"x","b":[true,null],"é":1},"format":1,'
        '"policy":{"code":"VALIDATION","slots":[],"version":1},"subject":"prelive_1"}'
    )


def test_the_digest_is_of_the_bytes_as_utf8() -> None:
    what = of({"name": "Zoë"})
    assert what.digest == hashlib.sha256(what.text.encode("utf-8")).hexdigest()


def test_the_order_of_keys_does_not_matter() -> None:
    assert of({"a": 1, "b": 2}).digest == of({"b": 2, "a": 1}).digest


def test_subject_and_policy_are_signed_too() -> None:
    digests = {
        of({}).digest,
        Manifest.of("prelive_2", POLICY, {}).digest,
        Manifest.of("prelive_1", POLICY | {"version": 2}, {}).digest,
    }
    assert len(digests) == 3


@given(CONTENT)
def test_the_content_comes_back_as_it_went_in(content: dict[str, Any]) -> None:
    assert of(content).content["evidence"] == json.loads(json.dumps(content))


@given(CONTENT)
def test_equal_manifests_do_not_differ(content: dict[str, Any]) -> None:
    assert diff(of(content).content, of(content).content) == []


@given(CONTENT, st.text(min_size=1, max_size=5))
def test_every_change_of_a_value_shows(content: dict[str, Any], value: str) -> None:
    before, after = content | {"figure": "old" + value}, content | {"figure": value}
    assert diff(before, after) == [Change("figure", "old" + value, value)]


def test_rows_of_a_list_are_compared_by_their_name() -> None:
    before = {"results": [{"id": "BC-01", "state": "PASSED"}, {"id": "MD-01", "state": "FAILED"}]}
    after = {"results": [{"id": "MD-01", "state": "PASSED"}, {"id": "OE-01", "state": "PASSED"}]}
    assert diff(before, after) == [
        Change("results[BC-01].id", "BC-01", ABSENT),
        Change("results[BC-01].state", "PASSED", ABSENT),
        Change("results[MD-01].state", "FAILED", "PASSED"),
        Change("results[OE-01].id", ABSENT, "OE-01"),
        Change("results[OE-01].state", ABSENT, "PASSED"),
    ]


def test_rows_without_a_name_of_their_own_are_compared_by_their_place() -> None:
    before = {"checks": [{"name": "a", "ok": True}, {"name": "a", "ok": True}]}
    after = {"checks": [{"name": "a", "ok": True}, {"name": "a", "ok": False}]}
    assert diff(before, after) == [Change("checks[2].ok", "true", "false")]


def test_a_change_of_type_shows() -> None:
    assert diff({"a": {}}, {"a": []}) == [Change("a", "{}", "[]")]
    assert diff({"a": 1}, {"a": "1"}) == [Change("a", "1", "1")]


def test_sections_are_tables_that_a_person_can_read() -> None:
    found = sections(
        of(
            {
                "known_issues": "none",
                "results": [{"id": "BC-01", "cases": [1, 2]}, {"id": "MD-01", "note": "x"}],
                "config": {"limits": {"orders": 30}},
                "uploads": [4, 5],
            }
        ).content
    )
    assert found == [
        Section("What is signed", ("Item", "Value"), (
            ("known_issues", "none"), ("format", "1"), ("policy.code", "VALIDATION"),
            ("policy.slots", "[]"), ("policy.version", "1"), ("subject", "prelive_1"),
        )),
        Section("Config", ("Item", "Value"), (("limits.orders", "30"),)),
        Section("Results", ("Id", "Cases", "Note"), (("BC-01", "1, 2", ""), ("MD-01", "", "x"))),
        Section("Uploads", ("Item", "Value"), (("[1]", "4"), ("[2]", "5"))),
    ]  # fmt: skip


@given(CONTENT)
def test_no_content_breaks_the_tables(content: dict[str, Any]) -> None:
    for section in sections(of(content).content):
        assert all(len(row) == len(section.columns) for row in section.rows)
