"""The forms of the kill switch."""

from django import forms


class TriggerForm(forms.Form):
    """Why opening orders must stop."""

    reason = forms.CharField(
        max_length=500,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What did you see? It stands in the audit log with your name.",
    )


class ResetForm(forms.Form):
    """Why it happened, for whoever decides whether it can happen again."""

    root_cause = forms.CharField(
        min_length=10,
        max_length=4000,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What was the cause, what was fixed, and how was the fix tested in paper?",
    )


class RefusalForm(forms.Form):
    """Why the switch stays triggered."""

    reason = forms.CharField(max_length=500, strip=True, widget=forms.Textarea(attrs={"rows": 2}))
