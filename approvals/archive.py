"""What an archive keeps of a sign-off: the manifest as it was signed, and the signatures."""

from approvals.models import Request, Signature
from approvals.rules import State
from crucible.ledger.canonical import canonical


def signed_files(subject: str) -> dict[str, str]:
    """Return the texts by file name for the subject's approved request; empty without one.

    The SHA-256 of signed_manifest.json is the digest that every signature carries.
    """
    request = Request.latest(subject)
    if request is None or State(request.state) != State.APPROVED:
        return {}
    signatures = [_row(signature) for signature in request.signatures.order_by("pk")]
    return {
        "signed_manifest.json": request.manifest_text,
        "signatures.json": canonical(signatures),
    }


def _row(signature: Signature) -> dict[str, object]:
    return {
        "role": signature.slot,
        "signer": signature.signer_name,
        "decision": signature.decision,
        "comment": signature.comment,
        "signed_at": signature.at,
        "manifest_sha256": signature.digest,
        "simulated": signature.simulated,
    }
