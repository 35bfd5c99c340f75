"""Forms: what people may enter, and what a query string may ask for."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from brokerage.corrections import SHORTEST_TEXT
from brokerage.models import Endpoint
from validation.bot_configs import TOO_LARGE
from validation.configuration import MAX_BYTES
from validation.models import (
    Column,
    LogLevel,
    Session,
    SessionKind,
    SessionState,
)
from validation.observation import HIGHEST_CLIENT, LONGEST_S, SHORTEST_S, USUAL_S
from validation.reports import LONGEST
from validation.scenarios import catalogue

PURPOSES = [
    ("", "Validation"),
    (SessionKind.DRY_RUN.value, "Dry run"),
    (SessionKind.DRILL.value, "Drill"),
    (SessionKind.OBSERVE.value, "Observe a bot"),
]
LEVELS = [("INFO", "Info"), ("WARNING", "Warnings"), ("ERROR", "Errors")]


def any_of(choices: Any, label: str = "All") -> list[tuple[str, str]]:
    """Choices with one more for "no matter which"."""
    return [("", label), *choices]


class Query(forms.Form):
    """A list's query string; every list has pages."""

    page = forms.IntegerField(required=False, min_value=1, max_value=1_000_000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The list of sessions stands beside the form that starts one: both have a kind.
        super().__init__(*args, **({"auto_id": "filter-%s"} | kwargs))


class SessionQuery(Query):
    """Which sessions to list."""

    state = forms.ChoiceField(choices=any_of(SessionState.choices), required=False)
    kind = forms.ChoiceField(choices=any_of(SessionKind.choices), required=False)


class LogQuery(Query):
    """Which log lines to list."""

    level = forms.ChoiceField(choices=any_of(LEVELS, "All levels"), required=False)
    scenario = forms.CharField(max_length=10, required=False)
    event = forms.CharField(max_length=60, required=False, label="Event begins with")
    correlation = forms.CharField(max_length=80, required=False, label="Correlation id")
    text = forms.CharField(max_length=100, required=False, label="Contains")
    planned = forms.ChoiceField(
        choices=any_of([("no", "Only unplanned")], "Planned or not"), required=False, label="Faults"
    )


class DifferenceQuery(Query):
    """Which differences to the broker to list."""

    session = forms.SlugField(max_length=40, required=False)
    state = forms.ChoiceField(
        choices=any_of([("open", "Open"), ("settled", "Settled")]), required=False
    )


class ProposalForm(forms.Form):
    """What a difference to the broker comes from, and how it is to be settled."""

    text = forms.CharField(
        min_length=SHORTEST_TEXT, max_length=2000, strip=True, label="What it comes from",
        widget=forms.Textarea(attrs={"rows": 4}),
    )  # fmt: skip
    row = forms.BooleanField(required=False, label="Take the broker's value over")


class ApprovalForm(forms.Form):
    """Which proposal a person has read: that of this moment."""

    seen = forms.CharField(max_length=40)

    def clean_seen(self) -> datetime:
        """Return the moment."""
        try:
            return datetime.fromisoformat(self.cleaned_data["seen"])
        except ValueError as error:
            raise forms.ValidationError("Load the page again.") from error


class RefusalForm(forms.Form):
    """Why a proposal does not settle a difference."""

    why = forms.CharField(
        min_length=SHORTEST_TEXT, max_length=2000, strip=True, label="Why not",
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip


class CompareQuery(forms.Form):
    """With which session another one is compared; without, with its baseline."""

    against = forms.SlugField(max_length=40, required=False)


class GatewayLogForm(forms.Form):
    """The gateway's raw log."""

    file = forms.FileField(max_length=200, allow_empty_file=True)


class BotConfigForm(forms.Form):
    """The YAML file that the bot reads, and the commit that it is from."""

    file = forms.FileField(max_length=200, allow_empty_file=True, label="YAML file")
    commit = forms.CharField(max_length=64, required=False, label="Commit, if known")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The form that imports a revision stands beside it: both have a file.
        super().__init__(*args, **({"auto_id": "bot-%s"} | kwargs))

    def clean_file(self) -> "UploadedFile[bytes]":
        """Refuse a file that is too large before it is read."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if file.size is None or file.size > MAX_BYTES:
            raise forms.ValidationError(TOO_LARGE)
        return file


class TimelineQuery(forms.Form):
    """Which part of a session to show: seconds since its start, and what the log must say."""

    PARTS = [
        ("", "All"),
        ("metrics", "Metrics"),
        ("charts", "Charts"),
        ("rows", "Rows"),
        ("log", "New log lines"),
    ]
    level = forms.ChoiceField(choices=any_of(LEVELS, "All levels"), required=False)
    scenario = forms.CharField(max_length=10, required=False)
    event = forms.CharField(max_length=60, required=False, label="Event begins with")
    text = forms.CharField(max_length=100, required=False, label="Log contains")
    planned = forms.ChoiceField(
        choices=any_of([("no", "Only unplanned")], "Planned or not"), required=False, label="Faults"
    )
    zoom = forms.BooleanField(required=False, label="Zoom the charts in")
    part = forms.ChoiceField(choices=PARTS, required=False, widget=forms.HiddenInput)
    seen = forms.CharField(max_length=120, required=False, widget=forms.HiddenInput)
    after = forms.IntegerField(min_value=0, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Other forms of the same page have a text and a level, too.
        super().__init__(*args, **({"auto_id": "range-%s"} | kwargs))
        # "from" is a word of Python's own.
        for name, label in (("to", "To (s)"), ("from", "From (s)")):
            widget = forms.NumberInput(attrs={"step": "any", "min": "0", "inputmode": "decimal"})
            self.fields[name] = forms.FloatField(
                min_value=0, max_value=10_000_000, required=False, label=label, widget=widget
            )
            self.order_fields([name])
        for name in ("orders", "checks", "errors", "log"):
            page = forms.IntegerField(
                min_value=1, max_value=1_000_000, required=False, widget=forms.HiddenInput
            )
            self.fields[f"{name}_page"] = page


class ItemQuery(Query):
    """Which checklist items to show."""

    show = forms.ChoiceField(
        choices=[("", "All"), ("open", "Open"), ("mine", "Mine")], required=False
    )


class PreflightForm(forms.Form):
    """Whether the session runs by itself once nothing blocks."""

    run = forms.BooleanField(required=False)


class TurnForm(forms.Form):
    """Which step of a drill a person says to have done."""

    step = forms.IntegerField(min_value=1)


class WarningsForm(forms.Form):
    """What a person says of warnings, or of a check that no machine makes."""

    text = forms.CharField(min_length=3, max_length=500, strip=True)
    expires_on = forms.DateField(required=False)


class StartForm(forms.Form):
    """Start a session: everything on the default endpoint unless told otherwise."""

    endpoint = forms.ModelChoiceField(Endpoint.objects.all(), empty_label=None)
    scenarios = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen means a full session: all but the procedures.",
    )
    fail_fast = forms.BooleanField(required=False, label="Stop at the first failure")
    kind = forms.ChoiceField(choices=PURPOSES, required=False, label="Purpose")
    observe_s = forms.FloatField(
        required=False, min_value=SHORTEST_S, max_value=LONGEST_S, label="Observe for (s)"
    )
    observed_client = forms.IntegerField(
        required=False, min_value=0, max_value=HIGHEST_CLIENT, label="Client id of the bot"
    )
    two_hours = forms.BooleanField(required=False, label="Watch for two hours")
    preflight_only = forms.BooleanField(required=False, label="Preflight only")
    log_level = forms.ChoiceField(choices=LogLevel.choices, required=False, label="Log")
    restart_of = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = catalogue.load().all()
        self.fields["scenarios"].choices = [(one.id, f"{one.id} {one.title}") for one in known]  # type: ignore[attr-defined]
        self.fields["observe_s"].initial = USUAL_S
        self.fields["endpoint"].initial = Endpoint.objects.filter(is_default=True).first()

    def clean_restart_of(self) -> Session | None:
        """Return the session that this one is started after; there must be one of that number."""
        number = self.cleaned_data["restart_of"]
        session = Session.objects.filter(number=number).first()
        if number and session is None:
            raise forms.ValidationError(
                "There is no session %(number)s.", params={"number": number}
            )
        return session


class ReasonForm(forms.Form):
    """A reason that stands in the ledger."""

    reason = forms.CharField(
        min_length=5, max_length=500, strip=True, widget=forms.Textarea(attrs={"rows": 3})
    )


class NarrativeForm(forms.Form):
    """What people write into the report."""

    summary = forms.CharField(
        required=False, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 5})
    )
    known_issues = forms.CharField(
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One issue a line, each with its severity; or “none”.",
    )
    recommendation = forms.CharField(
        required=False, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 4})
    )
    stability_notes = forms.CharField(
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="How the gateway held, for whoever decides how it is deployed.",
    )


class ItemForm(forms.Form):
    """What a person says of a checklist item."""

    ACTIONS = [
        ("PASS", "Attest: it is so"),
        ("FAIL", "It is not so"),
        ("EXCEPTION", "Document an exception"),
        ("NOT_APPLICABLE", "Does not apply"),
        ("ACKNOWLEDGE", "Acknowledge"),
        ("REOPEN", "Reopen"),
    ]
    action = forms.ChoiceField(choices=ACTIONS)
    note = forms.CharField(
        required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    risk = forms.CharField(
        required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    evidence_ref = forms.CharField(required=False, max_length=300, label="Where the evidence is")


class MoveForm(forms.Form):
    """Move a task to another column."""

    column = forms.ChoiceField(choices=Column.choices)
    reason = forms.CharField(required=False, max_length=500)


class TickForm(forms.Form):
    """What a person adds to a step that is done."""

    note = forms.CharField(max_length=500, required=False)


class KickOffForm(forms.Form):
    """When the next milestone begins, and who leads it."""

    starts_on = forms.DateField(label="Start date")
    lead = forms.CharField(max_length=100, strip=True, label="Lead")


class CommentForm(forms.Form):
    """A remark on a task."""

    text = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))


class ImportForm(forms.Form):
    """A configuration as YAML, typed or from a file."""

    file = forms.FileField(required=False, allow_empty_file=True)
    text = forms.CharField(required=False, max_length=MAX_BYTES, strip=False, widget=forms.Textarea)
    note = forms.CharField(required=False, max_length=500)

    def clean(self) -> dict[str, Any]:
        """Take the file when there is one; it must be text and not larger than 64 KiB."""
        data = dict(super().clean() or {})
        if upload := data.get("file"):
            if upload.size > MAX_BYTES:
                raise forms.ValidationError("The file is larger than 64 KiB.")
            try:
                data["text"] = upload.read().decode()
            except UnicodeDecodeError:
                raise forms.ValidationError("The file is not text in UTF-8.") from None
        if not str(data.get("text") or "").strip():
            raise forms.ValidationError("Choose a file or paste the YAML.")
        return data
