"""Who must sign, who signed, and what they saw: policies, requests and signatures."""

from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from approvals import evidence
from approvals.deadlines import countdown
from approvals.guards import Case, Person, Refused, check_comment, obstacle, why_not
from approvals.manifest import Change, Manifest, diff
from approvals.rules import (
    UNDECIDED,
    Decision,
    Mark,
    Slot,
    SlotState,
    State,
    outstanding,
    parse_slots,
    slot_states,
    unlocked,
)
from crucible.ledger.append_only import AppendOnlyModel, AppendOnlyQuerySet
from crucible.roles import Role, roles_of

NOT_DEMO = "Evidence from the simulated gateway can be signed in demo mode only."


def person(user: User) -> Person:
    """Return a person with the roles they hold now."""
    return Person(user.pk, roles_of(user))


class Policy(AppendOnlyModel):
    """Which roles sign, and in which order; a change is a new version."""

    code = models.CharField(max_length=20)
    version = models.PositiveIntegerField()
    slots = models.JSONField(help_text='[{"role": "PM", "after": ["QA", "CRO"]}]')

    class Meta:
        verbose_name_plural = "policies"
        ordering = ["code", "-version"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="approvals_policy_version")
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert the policy; raise ValueError for slots that nobody could complete."""
        parse_slots(self.slots)
        super().save(*args, **kwargs)

    @classmethod
    def current(cls, code: str = "VALIDATION") -> "Policy":
        """Return the newest version."""
        found: Policy = cls.objects.filter(code=code).order_by("-version")[0]
        return found

    def as_content(self) -> dict[str, Any]:
        """Return what a manifest says of the policy."""
        return {"code": self.code, "version": self.version, "slots": self.slots}


class Request(models.Model):
    """One version of a subject, laid before its signers; closed, it never changes again."""

    policy = models.ForeignKey(Policy, models.PROTECT)
    subject = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    version = models.PositiveIntegerField(default=1)
    previous = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="next"
    )
    state = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in State], default=State.OPEN.value
    )
    simulated = models.BooleanField(default=False)
    manifest_text = models.TextField("manifest (RFC 8785)")
    digest = models.CharField("SHA-256 of the manifest", max_length=64)
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField()
    due_at = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True, blank=True)
    overdue_at = models.DateTimeField("overdue since", null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-submitted_at", "-pk"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["state", "due_at"], name="approvals_request_due")]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "policy", "version"], name="approvals_request_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.title} v{self.version}"

    @classmethod
    def latest(cls, subject: str) -> "Request | None":
        """Return the newest version for a subject."""
        return cls.objects.filter(subject=subject).order_by("-version", "-pk").first()

    @classmethod
    def lock(cls, pk: int) -> "Request":
        """Hold subject and request until the transaction ends; raise DoesNotExist."""
        evidence.load().lock(cls.objects.values_list("subject", flat=True).get(pk=pk))
        return cls.objects.select_for_update().get(pk=pk)

    @property
    def undecided(self) -> bool:
        """Whether it still waits for signatures."""
        return State(self.state) in UNDECIDED

    @property
    def manifest(self) -> Manifest:
        """What is signed."""
        return Manifest(self.manifest_text)

    def current_manifest(self) -> Manifest:
        """Return the manifest as the evidence stands now."""
        content = evidence.load().manifest(self.subject)
        return Manifest.of(self.subject, self.policy.as_content(), content)

    @property
    def unchanged(self) -> bool:
        """Whether the evidence is still what was submitted."""
        return self.current_manifest().digest == self.digest

    @property
    def changes(self) -> list[Change]:
        """What differs from the version before."""
        if self.previous is None:
            return []
        return diff(self.previous.manifest.content, self.manifest.content)

    @property
    def overdue(self) -> bool:
        """Whether it still waits although its time is over."""
        return self.undecided and timezone.now() >= self.due_at

    @property
    def countdown(self) -> str:
        """How long there is still, in words."""
        return countdown(self.due_at, timezone.now())

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The signatures that the policy asks for."""
        return parse_slots(self.policy.slots)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The signatures given, in order."""
        return tuple(s.mark for s in self.signatures.order_by("pk"))

    @property
    def rows(self) -> list["SlotRow"]:
        """The slots as a reader sees them, in the policy's order."""
        states = slot_states(self.slots, self.marks, State(self.state))
        given = {signature.slot: signature for signature in self.signatures.all()}
        return [
            SlotRow(
                slot.role,
                states[slot.role],
                given.get(slot.role.value),
                tuple(s.role for s in self.slots if s.role in slot.after),
            )
            for slot in self.slots
        ]

    @property
    def waiting_roles(self) -> tuple[Role, ...]:
        """The roles that can sign now."""
        return tuple(s.role for s in unlocked(self.slots, self.marks)) if self.undecided else ()

    @property
    def outstanding_roles(self) -> tuple[Role, ...]:
        """The roles that have not approved yet."""
        return tuple(slot.role for slot in outstanding(self.slots, self.marks))

    def conflicts(self) -> dict[int, str]:
        """Return who may not sign and why; whoever submitted any version counts as operator."""
        submitters = Request.objects.filter(subject=self.subject).values_list(
            "submitted_by", flat=True
        )
        told = dict(evidence.load().conflicts(self.subject))
        return dict.fromkeys(submitters, "you submitted it for sign-off") | told

    def blockers(self) -> tuple[str, ...]:
        """Return what speaks against an approval now."""
        simulated = (NOT_DEMO,) if self.simulated and not settings.DEMO else ()
        return simulated + tuple(evidence.load().blockers(self.subject))

    def case(self, content: bool = True) -> Case:
        """Return all that decides whether the request may be signed now.

        Without `content` it leaves out the evidence itself, which takes long to read for a list.
        """
        return Case(
            slots=self.slots,
            state=State(self.state),
            marks=self.marks,
            conflicts=self.conflicts() if self.undecided else {},
            blockers=self.blockers() if content else (),
            unchanged=self.unchanged if content else True,
        )

    def waits_for(self, user: User) -> bool:
        """Whether this person could decide now."""
        return self.undecided and why_not(self.case(False), person(user), Decision.REJECT) is None


class SlotRow(NamedTuple):
    """A slot of a request: its role and state, who signed, and which roles sign before."""

    role: Role
    state: SlotState
    signature: "Signature | None"
    after: tuple[Role, ...]


class SignatureQuerySet(AppendOnlyQuerySet[Any]):
    """Lets no signature in but through `Signature.save`, which asks the rules."""

    def bulk_create(self, *args: Any, **kwargs: Any) -> list[Any]:
        """Raise TypeError."""
        raise TypeError("signatures are given one by one")


class Signature(AppendOnlyModel):
    """A person's word on what a request's manifest says."""

    request = models.ForeignKey(Request, models.PROTECT, related_name="signatures")
    slot = models.CharField("role", max_length=10)
    signer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    signer_name = models.CharField(max_length=200)
    decision = models.CharField(max_length=20, choices=[(d.value, d.value) for d in Decision])
    comment = models.TextField(blank=True)
    digest = models.CharField("SHA-256 of the manifest", max_length=64)
    simulated = models.BooleanField()
    at = models.DateTimeField()

    objects = SignatureQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = ["pk"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["request", "slot"], name="approvals_one_per_slot"),
            models.UniqueConstraint(fields=["request", "signer"], name="approvals_one_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.slot} {self.decision} by {self.signer_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert the signature; raise Refused when the rules are against it.

        Name, digest, time and SIMULATED are taken from the signer and the request, whatever the
        caller set.
        """
        if self._state.adding:
            self._guard()
            self.signer_name = self.signer.get_full_name() or self.signer.get_username()
            self.digest = self.request.digest
            self.simulated = self.request.simulated
            self.at = timezone.now()
        super().save(*args, **kwargs)

    def _guard(self) -> None:
        decision = Decision(self.decision)
        check_comment(decision, self.comment)
        signer = person(self.signer)
        if refusal := obstacle(self.request.case(), signer, Role(self.slot), decision):
            raise Refused(refusal)

    @property
    def mark(self) -> Mark:
        """The signature, as the rules see it."""
        return Mark(Role(self.slot), self.signer_id, Decision(self.decision))

    @property
    def void(self) -> bool:
        """Whether what was signed has changed since."""
        return self.request.state == State.VOIDED
