"""Who acts from a terminal: a person by name and password."""

import getpass
import sys

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError

REFUSED = 1


def signed_in(username: str) -> User:
    """Ask for the password, which may also come through a pipe; raises CommandError."""
    asked = f"Password of {username}: "
    password = getpass.getpass(asked) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    user = authenticate(username=username, password=password)
    if not isinstance(user, User):
        raise CommandError("User name or password is wrong.", returncode=REFUSED)
    return user
