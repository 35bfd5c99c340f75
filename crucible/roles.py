"""Who may do what: the desk's roles, kept as Django groups whose names are the codes."""

from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class Role(StrEnum):
    """A duty on the desk; the value is the name of the Django group."""

    OP = "OP"
    QS = "QS"
    QA = "QA"
    CRO = "CRO"
    PM = "PM"
    CTO = "CTO"
    LT = "LT"
    LD = "LD"
    SA = "SA"
    TL = "TL"
    CO = "CO"
    AD = "AD"
    VW = "VW"
    CI = "CI"

    @property
    def label(self) -> str:
        """The role's name in words."""
        return LABELS[self]


LABELS = {
    Role.OP: "System Operator",
    Role.QS: "QA Specialist",
    Role.QA: "QA Lead",
    Role.CRO: "Chief Risk Officer",
    Role.PM: "Project Manager",
    Role.CTO: "Chief Technology Officer",
    Role.LT: "Lead Trader",
    Role.LD: "Lead Developer",
    Role.SA: "Systems Architect",
    Role.TL: "Team Lead",
    Role.CO: "Compliance Officer",
    Role.AD: "Administrator",
    Role.VW: "Viewer",
    Role.CI: "Service account",
}


# Who reads the audit log in detail (row 37 of the permission matrix).
AUDITORS = frozenset({Role.CO, Role.AD, Role.CRO, Role.QA})


def roles_of(user: AbstractBaseUser | AnonymousUser) -> frozenset[Role]:
    """Return the roles of a signed-in, enabled person; nobody else has any."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return frozenset()
    cached: frozenset[Role] | None = getattr(user, "_crucible_roles", None)
    if cached is None:
        names = user.groups.values_list("name", flat=True)  # type: ignore[attr-defined]
        cached = frozenset(Role(name) for name in names if name in Role.__members__)
        user._crucible_roles = cached  # type: ignore[attr-defined]
    return cached


def has_role(user: AbstractBaseUser | AnonymousUser, *roles: Role) -> bool:
    """Say whether the person holds at least one of the roles."""
    return not roles_of(user).isdisjoint(roles)
