"""Sign-off over REST: the same guards, with a reason in every refusal."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from approvals.models import Request, Signature
from tests.approvals import evidence
from tests.approvals.conftest import Sign
from tests.conftest import People

pytestmark = pytest.mark.django_db


def api(user: User | None) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def decide(user: User, signoff: Request, **body: Any) -> Any:
    sent = {"decision": "APPROVE", "password": People.password(user)} | body
    return api(user).post(f"/api/v1/signoffs/{signoff.pk}/decision", sent, format="json")


def test_a_request_can_be_read(signoff: Request, sign: Sign, people: People) -> None:
    sign(people.qa, comment="well done")
    body = api(people.cro).get(f"/api/v1/signoffs/{signoff.pk}").json()
    assert (body["state"], body["digest"]) == ("PARTIALLY_SIGNED", signoff.digest)
    assert (body["submitted_by"], body["waiting_for_me"]) == ("op", True)
    qa, cro, pm = body["slots"]
    assert (qa["state"], qa["signer"], qa["comment"]) == ("APPROVED", "QA Lead", "well done")
    assert (cro["state"], cro["signer"], cro["role_name"]) == (
        "AWAITING", None, "Chief Risk Officer"
    )  # fmt: skip
    assert (pm["state"], pm["after"]) == ("LOCKED", ["QA", "CRO"])


def test_approving(signoff: Request, people: People) -> None:
    response = decide(people.qa, signoff)
    assert (response.status_code, response.json()["state"]) == (200, "PARTIALLY_SIGNED")
    assert Signature.objects.get().signer == people.qa


@pytest.mark.parametrize(
    ("decision", "state"), [("REJECT", "REJECTED"), ("REQUEST_CHANGES", "CHANGES_REQUESTED")]
)
def test_rejecting_and_requesting_changes(
    signoff: Request, people: People, decision: str, state: str
) -> None:
    response = decide(people.cro, signoff, decision=decision, comment="the figures are wrong")
    assert (response.status_code, response.json()["state"]) == (200, state)


def refusal(response: Any) -> tuple[int, str]:
    body = response.json()
    assert set(body) == {"code", "detail", "why", "do"}
    assert all(body.values())
    assert not Signature.objects.exists()
    return response.status_code, body["code"]


@pytest.mark.parametrize("code", ["op", "qs", "cto", "lt", "ld", "sa", "tl", "co", "ad", "vw"])
def test_whoever_has_no_slot_does_not_sign(signoff: Request, people: People, code: str) -> None:
    assert refusal(decide(people[code], signoff)) == (403, "ROLE")


def test_a_service_account_does_not_sign(signoff: Request, people: People) -> None:
    assert refusal(decide(people.ci, signoff)) == (403, "SERVICE_ACCOUNT")


def test_whoever_took_part_does_not_sign(signoff: Request, people: People) -> None:
    evidence.put(conflicts={people.qa.pk: "started the session"})
    response = decide(people.qa, signoff)
    assert refusal(response) == (403, "CONFLICT")
    assert "started the session" in response.json()["why"]


def test_the_pm_does_not_sign_first(signoff: Request, people: People) -> None:
    assert refusal(decide(people.pm, signoff)) == (409, "LOCKED")


def test_a_slot_of_somebody_else_is_refused(signoff: Request, people: People) -> None:
    assert refusal(decide(people.qa, signoff, slot="CRO")) == (403, "ROLE")


def test_a_wrong_password_is_refused_and_five_lock(signoff: Request, people: People) -> None:
    for _ in range(5):
        assert refusal(decide(people.qa, signoff, password="nonsense")) == (403, "PASSWORD")
    assert refusal(decide(people.qa, signoff)) == (403, "LOCKED_OUT")


def test_a_rejection_without_a_reason_is_refused(signoff: Request, people: People) -> None:
    assert refusal(decide(people.qa, signoff, decision="REJECT")) == (400, "COMMENT")


def test_two_roles_have_to_be_chosen_from(signoff: Request, people: People) -> None:
    people.qa.groups.add(*people.cro.groups.all())
    assert refusal(decide(people.qa, signoff)) == (400, "CHOOSE")
    assert decide(people.qa, signoff, slot="CRO").status_code == 200


def test_changed_content_voids_the_request(signoff: Request, people: People) -> None:
    evidence.put(content={"results": []})
    assert refusal(decide(people.qa, signoff)) == (409, "CHANGED")


def test_a_second_signature_of_the_same_person_is_refused(
    signoff: Request, sign: Sign, people: People
) -> None:
    sign(people.qa)
    response = decide(people.qa, signoff)
    assert (response.status_code, response.json()["code"]) == (409, "ALREADY_SIGNED")


@pytest.mark.parametrize(
    "body",
    [
        {"decision": "BUY"}, {"decision": None}, {"password": ""}, {"password": ["x"]},
        {"slot": "BOSS"}, {"comment": "x" * 4001}, {"comment": {"a": 1}},
    ],
    ids=str,
)  # fmt: skip
def test_a_body_that_makes_no_sense_is_told_field_by_field(
    signoff: Request, people: People, body: dict[str, Any]
) -> None:
    response = decide(people.qa, signoff, **body)
    assert response.status_code == 400
    assert set(response.json()) == {"detail", "why", "do", "invalid"}
    assert set(response.json()["invalid"]) == set(body)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b""])
def test_a_body_that_is_no_object_is_a_bad_request(
    signoff: Request, people: People, body: bytes
) -> None:
    response = api(people.qa).post(
        f"/api/v1/signoffs/{signoff.pk}/decision", body, content_type="application/json"
    )
    assert response.status_code == 400


def test_what_does_not_exist_is_not_found(people: People) -> None:
    assert api(people.qa).get("/api/v1/signoffs/99").status_code == 404
    response = api(people.qa).post("/api/v1/signoffs/99/decision", {}, format="json")
    assert response.status_code == 404


def test_whoever_is_not_signed_in_reads_nothing(signoff: Request) -> None:
    for path in (f"signoffs/{signoff.pk}", "approvals/pending"):
        assert api(None).get(f"/api/v1/{path}").status_code == 401


def test_pending_lists_what_waits_the_first_due_first(signoff: Request, people: People) -> None:
    body = api(people.qa).get("/api/v1/approvals/pending").json()
    assert [(row["id"], row["waiting_for_me"]) for row in body["results"]] == [(signoff.pk, True)]
    assert (
        api(people.pm).get("/api/v1/approvals/pending").json()["results"][0]["waiting_for_me"]
        is False
    )


def test_pending_leaves_out_what_is_decided(signoff: Request, sign: Sign, people: People) -> None:
    for signer in (people.qa, people.cro, people.pm):
        sign(signer)
    assert api(people.qa).get("/api/v1/approvals/pending").json()["count"] == 0


def test_the_schema_tells_of_every_answer() -> None:
    schema = APIClient().get("/api/v1/schema", HTTP_ACCEPT="application/vnd.oai.openapi+json")
    paths = schema.data["paths"]
    answers = paths["/api/v1/signoffs/{id}/decision"]["post"]["responses"]
    assert set(answers) == {"200", "400", "403", "404", "409"}
    assert {"/api/v1/signoffs/{id}", "/api/v1/approvals/pending"} <= set(paths)
