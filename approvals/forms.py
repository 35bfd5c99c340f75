"""What a signer and a submitter fill in."""

from collections.abc import Sequence
from typing import Any

from django import forms

from approvals.guards import SHORTEST_COMMENT
from approvals.rules import Decision
from crucible.roles import Role

LABELS = {
    Decision.APPROVE: "Approve",
    Decision.REQUEST_CHANGES: "Request changes",
    Decision.REJECT: "Reject",
}


class DecisionForm(forms.Form):
    """A decision, in a role, with the signer's password."""

    comment = forms.CharField(
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=f"At least {SHORTEST_COMMENT} characters when you reject or request changes.",
    )
    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="Entered again, because a signature is your word.",
    )

    def __init__(
        self, data: Any = None, *, roles: Sequence[Role], decisions: Sequence[Decision]
    ) -> None:
        super().__init__(data, initial={"slot": roles[0].value})
        self.fields["slot"] = forms.ChoiceField(
            label="Sign as", choices=[(role.value, role.label) for role in roles]
        )
        self.fields["decision"] = forms.ChoiceField(
            choices=[(decision.value, LABELS[decision]) for decision in decisions],
            widget=forms.RadioSelect,
        )

    def clean(self) -> dict[str, Any]:
        """Ask for a comment where the decision needs one."""
        data = super().clean() or {}
        short = len(data.get("comment", "").strip()) < SHORTEST_COMMENT
        if short and data.get("decision") in {Decision.REJECT, Decision.REQUEST_CHANGES}:
            self.add_error("comment", f"Say why, in at least {SHORTEST_COMMENT} characters.")
        return data


class WithdrawForm(forms.Form):
    """Why a request is taken back."""

    reason = forms.CharField(
        min_length=SHORTEST_COMMENT,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=f"At least {SHORTEST_COMMENT} characters; the signers will read it.",
    )
