"""A session's checklist: what is closed, what is whose, and what a person may say of an item."""

from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from crucible.roles import Role, roles_of
from validation import checklist, checklists
from validation.checklist import ChecklistError
from validation.forms import ItemForm, ItemQuery
from validation.models import Checklist, Item, ItemState, Session, SessionState
from validation.views.answers import first_error, person_of, refusal, show

State = ItemState
CLOSING = {"PASS", "ACKNOWLEDGE", "EXCEPTION"}
TABS = [("", "All items"), ("open", "Open"), ("mine", "Mine to close")]


@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    """The whole checklist, or the part that is open or the person's own."""
    return _page(request, get_object_or_404(Session, number=number))


def _page(request: HttpRequest, session: Session) -> HttpResponse:
    query = ItemQuery(request.GET)
    if not query.is_valid():
        return refusal(request, first_error(query))
    sheet = Checklist.objects.filter(session=session).first()
    context = _sheet(sheet, person_of(request), query.cleaned_data["show"]) if sheet else {}
    known = {"session": session, "simulated": session.simulated}
    return show(request, "checklist", known | context)


def _sheet(sheet: Checklist, person: User, shown: str) -> dict[str, Any]:
    items = list(sheet.items.select_related("closed_by", "acknowledged_by"))
    editable = sheet.session.state in checklist.EDITABLE
    rows = [{"item": item, "actions": actions(item, person) if editable else []} for item in items]
    return {
        "checklist": sheet,
        "sections": _sections(rows, shown),
        "editable": editable,
        "locked_because": f"closed: {sheet.session.get_state_display().lower()}",
        "signed": sheet.session.state == SessionState.AWAITING_APPROVAL,
        "closed": sum(item.closed for item in items),
        "held": sum(item.holds_up for item in items),
        "total": len(items),
        "tabs": TABS,
        "shown": shown,
    }


def _wanted(row: dict[str, Any], shown: str) -> bool:
    if shown == "mine":
        return not row["item"].closed and not CLOSING.isdisjoint(row["actions"])
    return shown != "open" or not row["item"].closed


def _sections(rows: list[dict[str, Any]], shown: str) -> list[dict[str, Any]]:
    found = []
    for title, group in groupby(rows, key=lambda row: row["item"].section):
        members = list(group)
        wanted = [row for row in members if _wanted(row, shown)]
        closed = sum(row["item"].closed for row in members)
        found.append({"title": title, "rows": wanted, "closed": closed, "total": len(members)})
    return [section for section in found if section["rows"]]


def actions(item: Item, person: User) -> list[str]:
    """What the person may say of the item as it stands; the process decides in the end."""
    held = roles_of(person)
    own = bool({Role(code) for code in item.roles} & held)
    steward = bool(set(checklist.MAY_EXCEPT) & held)
    able = {
        "PASS": own and item.state in {State.OPEN, State.FAIL},
        "ACKNOWLEDGE": Role.QA in held and _unseen(item) and item.closed_by_id != person.pk,
        "FAIL": (own or (steward and not item.roles))
        and item.state in {State.OPEN, State.PASS, State.AUTO_PASS},
        "EXCEPTION": steward and _excusable(item),
        "NOT_APPLICABLE": own
        and item.state in {State.OPEN, State.FAIL}
        and item.code not in checklists.SAFETY,
        "REOPEN": (own or (steward and not item.roles)) and item.state != State.OPEN,
    }
    return [name for name, allowed in able.items() if allowed]


def _unseen(item: Item) -> bool:
    return item.state in {State.EXCEPTION, State.NOT_APPLICABLE} and not item.acknowledged_by_id


def _excusable(item: Item) -> bool:
    failed = item.state in {State.AUTO_FAIL, State.FAIL}
    return failed and item.waivable and item.code not in checklists.SAFETY


@require_http_methods(["GET", "POST"])
def item(request: HttpRequest, number: str, code: str) -> HttpResponse:
    """One item with the form for what a person says of it."""
    rows = Item.objects.select_related("checklist__session", "closed_by", "acknowledged_by")
    found = get_object_or_404(rows, checklist__session__number=number, code=code)
    form = ItemForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            _said(found, person_of(request), form.cleaned_data)()
        except PermissionDenied as error:
            return refusal(request, str(error), 403)
        except ChecklistError as error:
            form.add_error(None, str(error))
        else:
            return _answer(request, found)
    return _item_page(request, found, form)


def _answer(request: HttpRequest, found: Item) -> HttpResponse:
    """Back to the list; in place when a button of the list itself was pressed."""
    number = found.checklist.session.number
    if "HX-Request" in request.headers:
        return _page(request, Session.objects.get(number=number))
    return redirect(f"{reverse('checklist', args=[number])}#item-{found.code}")


def _said(found: Item, by: User, said: dict[str, str]) -> Callable[[], Item]:
    note, risk, evidence = said["note"], said["risk"], said["evidence_ref"]
    return {
        "PASS": partial(checklist.attest, found, by, note, evidence),
        "FAIL": partial(checklist.fail, found, by, note),
        "EXCEPTION": partial(checklist.document_exception, found, by, note, risk),
        "NOT_APPLICABLE": partial(checklist.not_applicable, found, by, note),
        "ACKNOWLEDGE": partial(checklist.acknowledge, found, by),
        "REOPEN": partial(checklist.reopen, found, by, note),
    }[said["action"]]


def _item_page(request: HttpRequest, found: Item, form: ItemForm) -> HttpResponse:
    session = found.checklist.session
    editable = session.state in checklist.EDITABLE
    able = actions(found, person_of(request)) if editable else []
    context = {
        "session": session,
        "simulated": session.simulated,
        "item": found,
        "form": form,
        "choices": [(name, word) for name, word in ItemForm.ACTIONS if name in able],
        "may_except": "EXCEPTION" in able,
        "signed": session.state == SessionState.AWAITING_APPROVAL,
        "nothing_because": _why_nothing(found, session, editable=editable),
    }
    status = 422 if form.is_bound else 200
    return render(request, "validation/item.html", context, status=status)


def _why_nothing(found: Item, session: Session, *, editable: bool) -> str:
    if not editable:
        return f"The session is {session.get_state_display().lower()}: its checklist is closed."
    if not found.roles:
        return "The machine judges this item: it changes with a new result only."
    names = " or ".join(Role(code).label for code in found.roles)
    return f"This item belongs to {names}."
