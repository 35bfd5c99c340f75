"""The demo's people: one per role, with passwords that are made once and kept beside the data."""

import json
import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group, User

from crucible.roles import AUDITORS, Role

NAMES = {
    Role.OP: ("olivia", "Olivia Park"),
    Role.QS: ("samir", "Samir Haddad"),
    Role.QA: ("quentin", "Quentin Abara"),
    Role.CRO: ("carmen", "Carmen Ruiz"),
    Role.PM: ("petra", "Petra Lindqvist"),
    Role.CTO: ("theo", "Theo Okafor"),
    Role.LT: ("lena", "Lena Tanaka"),
    Role.LD: ("dmitri", "Dmitri Volkov"),
    Role.SA: ("sofia", "Sofia Almeida"),
    Role.TL: ("tom", "Tom Fletcher"),
    Role.CO: ("nadia", "Nadia Rahman"),
    Role.AD: ("adam", "Adam Novak"),
    Role.VW: ("vera", "Vera Weiss"),
}


def passwords_file() -> Path:
    """Return where the demo's passwords are kept (mode 0600)."""
    return Path(settings.VAR_DIR) / "demo-people.json"


def load_demo_people() -> dict[Role, tuple[str, str]]:
    """Create the demo's people once; return role → (user name, password). Only in demo mode."""
    if not settings.DEMO:
        raise PermissionError("Demo people exist only in demo mode (CRUCIBLE_DEMO=true).")
    known = _known_passwords()
    people = {}
    for role, (username, name) in NAMES.items():
        password = known.setdefault(username, secrets.token_urlsafe(9))
        _ensure(role, username, name, password)
        people[role] = (username, password)
    _keep(known)
    return people


def _known_passwords() -> dict[str, str]:
    path = passwords_file()
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _keep(passwords: dict[str, str]) -> None:
    path = passwords_file()
    path.touch(mode=0o600)
    path.write_text(json.dumps(passwords, indent=1))


def _ensure(role: Role, username: str, name: str, password: str) -> None:
    """Create one person with the one role; auditors and administrators may enter the admin."""
    first, last = name.split(" ", 1)
    staff = role in AUDITORS
    user, made = User.objects.get_or_create(
        username=username,
        defaults={"first_name": first, "last_name": last, "is_staff": staff},
    )
    if made or not user.check_password(password):
        user.set_password(password)
        user.save()
    group, _ = Group.objects.get_or_create(name=role.value)
    user.groups.add(group)
