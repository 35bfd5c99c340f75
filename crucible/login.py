"""Logging in by password, with a limit on guessing: the same password signs."""

import hashlib
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

ATTEMPTS = 10
WITHIN_S = 300


class PatientBackend(ModelBackend):
    """Refuses a name from one address for five minutes after ten wrong passwords.

    It counts for each address, so that nobody can keep somebody else from the kill switch.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the person; raises PermissionDenied while the name is refused."""
        key = _key(request, username)
        if cache.get(key, 0) >= ATTEMPTS:
            raise PermissionDenied("Too many wrong passwords.")
        found = super().authenticate(request, username, password, **kwargs)
        if isinstance(found, User):
            cache.delete(key)
            return found
        cache.set(key, cache.get(key, 0) + 1, WITHIN_S)
        return None


def _key(request: HttpRequest | None, username: str | None) -> str:
    address = request.META.get("REMOTE_ADDR", "") if request else ""
    name = hashlib.sha256(f"{address}|{(username or '').casefold()}".encode()).hexdigest()
    return f"wrong-passwords:{name}"
