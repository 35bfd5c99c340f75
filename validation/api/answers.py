"""Translate the processes' refusals into HTTP answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from django.contrib.auth.models import User
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request

from validation.board import BoardError
from validation.checklist import ChecklistError
from validation.configuration import ConfigError
from validation.reports import ReportError
from validation.revisions import RevisionError
from validation.scenarios.catalogue import UnknownScenarioError
from validation.sessions import SessionRefused
from validation.uploads import UploadConflict, UploadRefused, UploadTooLarge

CONFLICTS = (SessionRefused, ChecklistError, RevisionError, BoardError, ReportError, UploadConflict)


class Conflict(APIException):
    """The request is sound, but not as things stand."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class TooLarge(APIException):
    """The file is too large."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


@contextmanager
def answered() -> Iterator[None]:
    """Raise DRF's exception for each refusal of a process."""
    try:
        yield
    except CONFLICTS as error:
        raise Conflict(str(error)) from error
    except UploadTooLarge as error:
        raise TooLarge(str(error)) from error
    except (UploadRefused, UnknownScenarioError) as error:
        raise ValidationError({"detail": str(error)}) from error
    except ConfigError as error:
        problems = [vars(problem) for problem in error.problems]
        raise ValidationError({"detail": str(error), "problems": problems}) from error


def caller(request: Request) -> User:
    """Return who is signed in; the default permission lets nobody else in."""
    return cast("User", request.user)
