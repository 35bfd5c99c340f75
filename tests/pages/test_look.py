"""What every page is made of: times, figures, icons, states, the frame."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.utils import timezone

from brokerage.models import Endpoint, KillSwitch
from crucible.context import Product
from crucible.states import LOOKS, SPECIAL, look_of
from crucible.templatetags import crucible as tags
from tests.conftest import People
from validation.models import (
    AttemptState,
    Column,
    ItemState,
    RevisionState,
    SessionKind,
    SessionState,
)

SPRITE = (settings.BASE_DIR / "static" / "icons.svg").read_text()
SYMBOLS = set(re.findall(r'id="([\w-]+)"', SPRITE))
CLOSE = datetime(2026, 11, 27, 18, 0, 5, tzinfo=UTC)


def test_a_time_is_shown_in_new_york_with_utc_on_hover() -> None:
    shown = tags.et(CLOSE)
    assert "2026-11-27 13:00 ET</time>" in shown
    assert 'title="2026-11-27 18:00:05 UTC"' in shown


def test_new_york_keeps_its_own_summer_time() -> None:
    assert "14:00:05" in tags.et(CLOSE.replace(month=7), "time")


def test_a_missing_time_is_a_dash() -> None:
    assert tags.et(None) == "–"
    assert tags.ago(None) == "never"


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (timedelta(seconds=5), "5 s ago"),
        (timedelta(minutes=3), "3 min ago"),
        (timedelta(hours=-2, seconds=-30), "in 2 h"),
        (timedelta(days=4), "4 d ago"),
    ],
)
def test_how_long_ago_is_one_unit(back: timedelta, words: str) -> None:
    assert f">{words}<" in tags.ago(timezone.now() - back)


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (None, "–"),
        (12.6, "13 ms"),
        (1240, "1.2 s"),
        (61_000, "1 min 01 s"),
        (timedelta(hours=2, minutes=5), "2 h 05 min"),
    ],
)
def test_a_duration_shows_the_units_that_matter(ms: float | None, shown: str) -> None:
    assert tags.duration(ms) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0, "0"), (1234567, "1,234,567"), (0.1234, "0.123"), (12.3456, "12.35")],
)
def test_a_figure_has_separators_and_few_decimals(value: float | None, shown: str) -> None:
    assert tags.number(value) == shown


def test_a_share_of_nothing_is_a_dash() -> None:
    assert tags.share(3, 0) == "–"
    assert tags.share(15, 16) == "94 %"


def test_every_look_names_an_icon_of_the_sprite() -> None:
    missing = {look.icon for look in [*LOOKS.values(), *SPECIAL.values()]} - SYMBOLS
    assert not missing


def test_every_icon_in_the_templates_is_in_the_sprite() -> None:
    folder = Path(settings.BASE_DIR) / "templates"
    used = {
        name
        for page in folder.rglob("*.html")
        for name in re.findall(r'{% icon "([\w-]+)"', page.read_text())
    }
    assert used
    assert not used - SYMBOLS


@pytest.mark.parametrize(
    "states",
    [SessionState, AttemptState, ItemState, RevisionState, Column, KillSwitch.State, Endpoint.Seen],
)
def test_every_state_has_a_look_of_its_own(states: type) -> None:
    assert not [state for state in states if str(state) not in LOOKS]  # type: ignore[attr-defined]


def test_every_kind_of_session_has_a_look() -> None:
    assert all(("kind", str(kind)) in SPECIAL for kind in SessionKind)


def test_an_unknown_state_is_never_shown_as_healthy() -> None:
    assert look_of(None).tone == "warn"
    assert look_of("SOMETHING_NEW").tone == "idle"
    assert "Something new" in tags.state_badge("SOMETHING_NEW")


def test_a_badge_says_its_state_in_words_beside_an_icon() -> None:
    badge = tags.state_badge("HALTED")
    assert ">Halted</span>" not in badge[: badge.index("</svg>")]
    assert badge.endswith("Halted</span>")
    assert "#alert-octagon" in badge


def test_an_icon_with_a_label_is_named_and_escaped() -> None:
    assert 'aria-label="a &quot;b"' in tags.icon("x", 'a "b')
    assert 'aria-hidden="true"' in tags.icon("x")


@pytest.mark.django_db
def test_the_frame_shows_a_gateway_that_was_not_seen_lately_as_unknown(
    client: Client, people: People
) -> None:
    seen = timezone.now() - timedelta(seconds=61)
    Endpoint.objects.create(
        name="sim", kind="SIMULATED", is_default=True, last_state="CONNECTED", last_seen_at=seen
    )
    client.force_login(people.vw)
    page = client.get("/status/").content.decode()
    assert 'data-state="UNKNOWN"' in page
    assert "SIMULATED" in page
    assert "PAPER" not in page


@pytest.mark.django_db
def test_the_frame_works_with_empty_tables(client: Client, people: People) -> None:
    KillSwitch.objects.all().delete()
    client.force_login(people.vw)
    page = client.get("/status/").content.decode()
    assert "No gateway set up" in page
    assert 'data-state="UNKNOWN"' in page


@pytest.mark.django_db
def test_a_triggered_kill_switch_stands_above_every_page(client: Client, people: People) -> None:
    KillSwitch.objects.update(state="TRIGGERED", reason="Orders <doubled>")
    client.force_login(people.vw)
    page = client.get("/status/").content.decode()
    assert "KILL SWITCH TRIGGERED" in page
    assert "Orders &lt;doubled&gt;" in page


@pytest.mark.parametrize(("cookie", "theme"), [("dark", "dark"), ("x' onload='", ""), ("", "")])
def test_only_a_known_theme_reaches_the_page(cookie: str, theme: str) -> None:
    request = RequestFactory().get("/")
    request.COOKIES["theme"] = cookie
    assert Product(request).theme == theme


def test_vendored_files_name_no_source_map_and_bring_their_licence() -> None:
    vendor = Path(settings.BASE_DIR) / "static" / "vendor"
    for folder in filter(Path.is_dir, vendor.iterdir()):
        assert (folder / "LICENSE").is_file(), folder.name
    for script in vendor.rglob("*.js"):
        assert "sourceMappingURL" not in script.read_text()


def test_no_template_holds_inline_style_script_or_handlers() -> None:
    bad = re.compile(r'<style|\sstyle="|\son[a-z]+="|<script(?![^>]*\ssrc=)|javascript:')
    folder = Path(settings.BASE_DIR) / "templates"
    assert not [page.name for page in folder.rglob("*.html") if bad.search(page.read_text())]
