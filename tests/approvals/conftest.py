"""A subject to sign, and short words for submitting and signing it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from approvals import requests, signing
from approvals.models import Request
from approvals.rules import Decision
from tests.approvals import evidence
from tests.approvals.evidence import SUBJECT
from tests.conftest import People


@pytest.fixture(autouse=True)
def _evidence(settings: Settings) -> None:
    settings.APPROVALS_EVIDENCE = "tests.approvals.evidence.load"
    settings.DEMO = False


@pytest.fixture
def signoff(people: People) -> Request:
    """An open request, submitted by the operator."""
    evidence.put()
    return requests.submit(SUBJECT, people.op)


Sign = Callable[..., Request]


@pytest.fixture
def sign(signoff: Request, people: People) -> Sign:
    """Sign the request with the person's right password: sign(people.qa)."""

    def act(by: User, decision: Decision = Decision.APPROVE, **options: Any) -> Request:
        options.setdefault("password", people.password(by))
        return signing.decide(signoff.pk, by, decision, **options)

    return act
