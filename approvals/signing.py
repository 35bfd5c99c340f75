"""Sign a request: the rules, the password, the signature and what follows, in this order."""

from django.contrib.auth.models import User
from django.db import transaction

from approvals import passwords
from approvals.guards import CHANGED, Refused, check_comment, pick
from approvals.models import Request, Signature, person
from approvals.requests import close, topics, void_if_changed
from approvals.rules import Decision, State, state_after
from crucible.ledger.record import record
from crucible.live.publish import publish
from crucible.roles import Role

SYSTEM = "system"


def decide(
    pk: int,
    by: User,
    decision: Decision,
    *,
    password: str,
    comment: str = "",
    slot: Role | None = None,
) -> Request:
    """Approve, reject or request changes, and return the request as it is then.

    Raises Refused with the reason when the person may not, the password is wrong, or the evidence
    has changed, in which case the request is voided; Request.DoesNotExist when there is none.
    """
    signer = User.objects.get(pk=by.pk)  # roles as they are now, not as the caller read them
    check_comment(decision, comment)
    admit(pk, signer, slot, decision)
    passwords.confirm(signer, password, about=pk)
    with transaction.atomic():
        request = Request.lock(pk)
        if void_if_changed(request.subject, SYSTEM) is None:
            return _sign(request, signer, decision, comment.strip(), slot)
    raise Refused(CHANGED)


def admit(pk: int, signer: User, slot: Role | None, decision: Decision) -> None:
    """Raise Refused when the rules are against it; evidence found changed voids the request."""
    request = Request.objects.get(pk=pk)
    try:
        pick(request.case(), person(signer), slot, decision)
    except Refused as refused:
        if refused.refusal == CHANGED:
            void_if_changed(request.subject, SYSTEM)
        raise


def _sign(
    request: Request, signer: User, decision: Decision, comment: str, wanted: Role | None
) -> Request:
    # Only the slot is looked for here: saving the signature asks every rule, the evidence included.
    role = pick(request.case(content=False), person(signer), wanted, decision)
    Signature.objects.create(
        request=request, slot=role.value, signer=signer, decision=decision.value, comment=comment
    )
    outcome = state_after(request.slots, request.marks)
    _tell(request, signer, role, decision, comment, outcome)
    if outcome is State.PARTIALLY_SIGNED:
        request.state = outcome.value
        request.save()
    else:
        close(request, outcome, signer, comment)
    return request


def _tell(
    request: Request, signer: User, role: Role, decision: Decision, comment: str, outcome: State
) -> None:
    publish(*topics(request))
    record(
        "signoff.signed",
        "signoff",
        request.pk,
        actor=signer,
        subject=request.subject,
        slot=role,
        decision=decision,
        comment=comment,
        digest=request.digest,
        simulated=request.simulated,
        state=outcome.value,
    )
