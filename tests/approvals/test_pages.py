"""The pages of sign-off, as a person in a browser without scripts uses them."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from approvals.models import Request, Signature
from approvals.requests import submit, withdraw
from approvals.rules import Decision
from tests.approvals import evidence
from tests.approvals.conftest import Sign
from tests.approvals.evidence import SUBJECT
from tests.conftest import People

pytestmark = pytest.mark.django_db
FORM = {"slot": "QA", "decision": "APPROVE", "comment": "", "password": "secret-qa"}


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


def text(response: HttpResponse) -> str:
    """Return the words of a page, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def page(user: User, path: str) -> str:
    response = client(user).get(path)
    assert response.status_code == 200
    return text(response)


def decide(user: User, signoff: Request, **changes: Any) -> HttpResponse:
    response: HttpResponse = client(user).post(f"/signoffs/{signoff.pk}/decide/", FORM | changes)  # type: ignore[assignment]
    return response


def test_an_empty_inbox_says_what_will_appear(people: People) -> None:
    words = page(people.qa, "/signoffs/")
    assert "Nothing waits for you" in words
    assert "No other open request" in words
    assert "Nothing has been decided yet" in words


def test_the_inbox_puts_what_waits_for_me_first(signoff: Request, people: People) -> None:
    response = client(people.qa).get("/signoffs/")
    assert response.context["mine"] == [signoff]
    assert response.context["others"] == []
    assert "Review and sign" in text(response)


@pytest.mark.parametrize("code", ["op", "pm", "vw"])
def test_what_waits_for_others_stands_below(signoff: Request, people: People, code: str) -> None:
    response = client(people[code]).get("/signoffs/")
    assert response.context["mine"] == []
    assert response.context["others"] == [signoff]
    assert "awaiting QA Lead, Chief Risk Officer" in text(response)


def test_the_inbox_says_how_long_there_is_and_what_is_in_the_way(
    signoff: Request, people: People
) -> None:
    evidence.put(blockers=["One.", "Two."])
    words = page(people.qa, "/signoffs/")
    assert re.search(r"due in \d", words)
    assert "2 points" in words


def test_the_inbox_counts_what_changed_since_the_last_version(
    signoff: Request, people: People
) -> None:
    evidence.change(people.op, config={"revision": 4})
    submit(SUBJECT, people.op)
    words = page(people.qa, "/signoffs/")
    assert "1 changed since version 1" in words
    assert "config.revision" in words


def test_closed_requests_are_paged_and_a_wrong_page_is_the_first_or_last(
    signoff: Request, people: People
) -> None:
    for _ in range(26):
        withdraw(Request.objects.latest("pk").pk, people.op, "the wrong session")
        submit(SUBJECT, people.op)
    assert "1–25 of 26" in page(people.qa, "/signoffs/?page=nonsense")
    assert "26–26 of 26" in page(people.qa, "/signoffs/?page=99")


def test_an_overdue_request_says_so(signoff: Request, people: People, time_machine: Any) -> None:
    time_machine.move_to(signoff.due_at + timedelta(minutes=65))
    for path in ("/signoffs/", f"/signoffs/{signoff.pk}/"):
        words = page(people.qa, path)
        assert "Overdue" in words
        assert "overdue by 1 h 5 min" in words


def test_the_request_shows_what_is_signed(signoff: Request, people: People) -> None:
    words = page(people.qa, f"/signoffs/{signoff.pk}/")
    assert "16 of 16 scenarios passed" in words
    assert signoff.digest[:12] in words
    assert signoff.digest in words
    assert "BC-01 PASSED" in words


def test_the_slots_say_in_words_who_is_awaited(signoff: Request, people: People) -> None:
    words = page(people.vw, f"/signoffs/{signoff.pk}/")
    assert "QA Lead Awaiting any QA Lead who took no part" in words
    assert "Project Manager Not yet opens after QA Lead and Chief Risk Officer" in words


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("vw", "You don't hold one of its roles"),
        ("pm", "QA Lead and Chief Risk Officer must approve first."),
        ("cro", "Separation of duties: started the session."),
    ],
)
def test_the_page_says_exactly_why_you_cannot_sign(
    signoff: Request, people: People, code: str, why: str
) -> None:
    evidence.put(conflicts={people.cro.pk: "started the session"})
    response = client(people[code]).get(f"/signoffs/{signoff.pk}/")
    assert response.context["form"] is None
    assert why in text(response)


def test_blockers_take_the_approval_out_of_the_form(signoff: Request, people: People) -> None:
    evidence.put(blockers=["The archive is missing."])
    response = client(people.qa).get(f"/signoffs/{signoff.pk}/")
    assert "The archive is missing." in text(response)
    offered = [value for value, _ in response.context["form"].fields["decision"].choices]
    assert offered == ["REQUEST_CHANGES", "REJECT"]


def test_signing_on_the_page(signoff: Request, people: People) -> None:
    browser = client(people.qa)
    response = browser.post(f"/signoffs/{signoff.pk}/decide/", FORM, follow=True)
    assert response.redirect_chain == [(f"/signoffs/{signoff.pk}/", 302)]
    assert "Signed as QA Lead: approved." in text(response)
    assert Signature.objects.get().signer == people.qa


def test_a_wrong_password_is_a_form_error_and_what_was_typed_stays(
    signoff: Request, people: People
) -> None:
    response = decide(people.qa, signoff, password="nonsense", comment="kept words")
    assert response.status_code == 403
    assert "The password is wrong." in text(response)
    assert "kept words" in text(response)
    assert b"nonsense" not in response.content
    assert not Signature.objects.exists()


def test_five_wrong_passwords_lock_signing_on_the_page(signoff: Request, people: People) -> None:
    for _ in range(5):
        decide(people.qa, signoff, password="nonsense")
    response = decide(people.qa, signoff)
    assert response.status_code == 403
    assert "Your signing is locked." in text(response)


@pytest.mark.parametrize("decision", ["REJECT", "REQUEST_CHANGES"])
def test_a_rejection_without_a_reason_is_a_form_error(
    signoff: Request, people: People, decision: str
) -> None:
    response = decide(people.qa, signoff, decision=decision, comment="no")
    assert response.status_code == 400
    assert "Say why, in at least 10 characters." in text(response)


@pytest.mark.parametrize(
    "changes", [{"slot": "PM"}, {"slot": ""}, {"decision": "BUY"}, {"password": ""}]
)
def test_a_form_that_was_tampered_with_is_a_form_error(
    signoff: Request, people: People, changes: dict[str, str]
) -> None:
    assert decide(people.qa, signoff, **changes).status_code == 400
    assert not Signature.objects.exists()


@pytest.mark.parametrize("code", ["op", "qs", "pm", "ad", "ci", "vw"])
def test_whoever_may_not_sign_gets_the_reason_on_the_page(
    signoff: Request, people: People, code: str
) -> None:
    response = decide(people[code], signoff, password=f"secret-{code}")
    assert response.status_code in {403, 409}
    assert "You can't sign" in text(response) or "never signs" in text(response)
    assert not Signature.objects.exists()


def test_the_operator_who_is_also_qa_lead_cannot_sign_on_the_page(people: People) -> None:
    people.op.groups.add(*people.qa.groups.all())
    evidence.put()
    signoff = submit(SUBJECT, User.objects.get(username="op"))
    response = decide(people.op, signoff, password="secret-op")
    assert response.status_code == 403
    assert "Separation of duties: you submitted it for sign-off." in text(response)


def test_somebody_with_two_roles_chooses_one(signoff: Request, people: People) -> None:
    people.qa.groups.add(*people.cro.groups.all())
    assert b'<select name="slot"' in client(people.qa).get(f"/signoffs/{signoff.pk}/").content
    assert decide(people.qa, signoff, slot="CRO").status_code == 302
    assert Signature.objects.get().slot == "CRO"


def test_content_that_changed_in_secret_is_shown_and_a_signature_voids_it(
    signoff: Request, people: People
) -> None:
    browser, path = client(people.qa), f"/signoffs/{signoff.pk}/"
    evidence.put(content={"results": []})
    assert "The content has changed since it was submitted" in text(browser.get(path))
    response = browser.post(f"{path}decide/", FORM)
    assert response.status_code == 409
    assert "so the request is void" in text(response)
    assert Request.objects.get().state == "VOIDED"


def test_a_change_in_the_very_moment_of_signing_is_told_on_the_page(
    signoff: Request, people: People, settings: Settings
) -> None:
    settings.APPROVALS_EVIDENCE = "tests.approvals.evidence.ChangedJustBefore"
    response = decide(people.qa, signoff)
    assert response.status_code == 409
    assert "so the request is void" in text(response)


def test_a_reload_after_signing_leads_back_to_the_request(signoff: Request, people: People) -> None:
    for action in ("decide", "withdraw"):
        response = client(people.qa).get(f"/signoffs/{signoff.pk}/{action}/")
        assert response.headers["Location"] == f"/signoffs/{signoff.pk}/"


def test_a_voided_request_shows_its_signatures_and_why(
    signoff: Request, sign: Sign, people: People
) -> None:
    sign(people.qa)
    evidence.change(people.op, config={"revision": 4})
    again = submit(SUBJECT, people.op)
    words = page(people.cro, f"/signoffs/{signoff.pk}/")
    assert "Void since" in words
    assert "config.revision" in words
    assert "QA Lead Void" in words
    assert "Version 2 took its place" in words
    words = page(people.cro, f"/signoffs/{again.pk}/")
    assert "evidence.config.revision 3 4" in words


def test_a_new_version_without_a_change_says_so(signoff: Request, people: People) -> None:
    withdraw(signoff.pk, people.op, "the wrong session")
    again = submit(SUBJECT, people.op)
    assert "The content is the same." in page(people.qa, f"/signoffs/{again.pk}/")


def test_an_approved_request_says_so(signoff: Request, sign: Sign, people: People) -> None:
    for signer in (people.qa, people.cro, people.pm):
        sign(signer)
    words = page(people.vw, f"/signoffs/{signoff.pk}/")
    assert "Every required signature was given" in words


def test_simulated_evidence_says_so_wherever_it_shows(people: People, settings: Settings) -> None:
    settings.DEMO = True
    evidence.put(simulated=True)
    signoff = submit(SUBJECT, people.op)
    words = page(people.qa, f"/signoffs/{signoff.pk}/")
    assert "SIMULATED evidence" in words
    assert "You sign as QA Lead for SIMULATED evidence" in words
    decide(people.qa, signoff)
    assert "Approved Simulated QA Lead" in page(people.qa, f"/signoffs/{signoff.pk}/")
    assert "Simulated" in page(people.cro, "/signoffs/")


def test_the_manifest_can_be_taken_home_byte_for_byte(signoff: Request, people: People) -> None:
    response = client(people.co).get(f"/signoffs/{signoff.pk}/manifest.json")
    assert response.content == signoff.manifest_text.encode()
    assert response.headers["Content-Disposition"].endswith(f'{SUBJECT}-v1-manifest.json"')


def test_content_is_shown_as_text_and_never_as_markup(people: People) -> None:
    evidence.put(content={"note": "<script>alert(1)</script>"})
    signoff = submit(SUBJECT, people.op)
    assert b"<script>alert" not in client(people.qa).get(f"/signoffs/{signoff.pk}/").content


def test_submitting_on_the_page_leads_to_the_request(people: People) -> None:
    evidence.put()
    response = client(people.op).post(f"/signoffs/submit/{SUBJECT}/", follow=True)
    assert response.redirect_chain == [(f"/signoffs/{Request.objects.get().pk}/", 302)]
    assert re.search(r"is submitted and due in \d", text(response))


def test_a_refused_submission_lists_what_is_in_the_way(people: People) -> None:
    evidence.put(blockers=["Item 1.3.2 is open.", "BC-01 failed."])
    response = client(people.op).post(f"/signoffs/submit/{SUBJECT}/")
    assert response.status_code == 409
    assert "Item 1.3.2 is open." in text(response)
    assert f'href="/sessions/{SUBJECT}/"'.encode() in response.content


def test_submitting_what_does_not_exist_is_not_found(people: People) -> None:
    assert client(people.op).post("/signoffs/submit/prelive_1/").status_code == 404


@pytest.mark.parametrize("path", ["", "99/", "99/decide/", "99/withdraw/", "99/manifest.json"])
def test_what_does_not_exist_is_not_found(people: People, path: str) -> None:
    assert client(people.op).get(f"/signoffs/{path}").status_code == (404 if path else 200)


def test_nothing_shows_to_whoever_is_not_signed_in(signoff: Request) -> None:
    for path in ("", f"{signoff.pk}/", f"{signoff.pk}/manifest.json"):
        assert Client().get(f"/signoffs/{path}").headers["Location"].startswith("/login/")


def test_the_submitter_withdraws_on_the_page(signoff: Request, people: People) -> None:
    path = f"/signoffs/{signoff.pk}/withdraw/"
    assert "Withdraw the request" in page(people.op, f"/signoffs/{signoff.pk}/")
    response = client(people.op).post(path, {"reason": "short"})
    assert response.status_code == 400
    response = client(people.op).post(path, {"reason": "the wrong session"}, follow=True)
    assert "is withdrawn" in text(response)


def test_nobody_else_withdraws_on_the_page(signoff: Request, people: People) -> None:
    assert "Withdraw the request" not in page(people.qs, f"/signoffs/{signoff.pk}/")
    path = f"/signoffs/{signoff.pk}/withdraw/"
    response = client(people.qs).post(path, {"reason": "the wrong session"})
    assert response.status_code == 403
    assert "Only the person who submitted it may." in text(response)


@pytest.mark.parametrize("path", ["", "{}/"])
def test_a_live_update_fetches_the_part_alone(signoff: Request, people: People, path: str) -> None:
    response = client(people.qa).get(
        f"/signoffs/{path.format(signoff.pk)}", headers={"HX-Request": "true"}
    )
    assert b"<html" not in response.content
    assert SUBJECT.encode() in response.content


def panel(user: User, subject: str = SUBJECT) -> str:
    http = RequestFactory().get("/")
    http.user = user
    template = Template(
        "{% load approvals %}{% signoff_of subject as signoff %}{% signoff_panel subject signoff %}"
    )
    html = template.render(Context({"request": http, "subject": subject, "csrf_token": "t"}))
    return " ".join(unescape(re.sub(r"<(?!form|input)[^>]+>", " ", html)).split())


def test_the_panel_offers_the_operator_to_submit(people: People) -> None:
    evidence.put()
    shown = panel(people.op)
    assert f'action="/signoffs/submit/{SUBJECT}/"' in shown
    assert 'name="csrfmiddlewaretoken"' in shown
    assert "<form" not in panel(people.vw)


def test_the_panel_lists_what_keeps_it_from_being_submitted(people: People) -> None:
    evidence.put(blockers=["Item 1.3.2 is open."])
    shown = panel(people.op)
    assert "Item 1.3.2 is open." in shown
    assert "<form" not in shown


def test_the_panel_shows_where_the_signatures_stand(
    signoff: Request, sign: Sign, people: People
) -> None:
    sign(people.qa)
    shown = panel(people.op)
    assert "Partly signed" in shown
    assert "QA Lead Approved QA Lead" in shown
    assert "<form" not in shown


def test_the_panel_offers_a_new_version_after_a_change(
    signoff: Request, sign: Sign, people: People
) -> None:
    sign(people.qa, Decision.REQUEST_CHANGES, comment="the figures are wrong")
    shown = panel(people.op)
    assert "the figures are wrong" in shown
    assert "Submit a new version" in shown
    assert timezone.now() < signoff.due_at
