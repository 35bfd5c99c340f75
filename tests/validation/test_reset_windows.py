"""The broker's reset windows as configuration: decided defaults, others by YAML, clear errors."""

from datetime import datetime

import pytest
from django.contrib.auth.models import User

from brokerage.calendar import ET
from brokerage.models import Endpoint
from brokerage.resets import WINDOWS
from crucible.roles import Role
from tests.conftest import People
from tests.validation.preflight.situations import NOON, one, situation
from validation import revisions
from validation.configuration import Config, ConfigError, diff, parse_yaml, read, to_yaml
from validation.preflight.judging import V

LUNCH = """
reset_windows:
  - name: lunch
    days: [Tue]
    starts: 12:00
    minutes: 60
"""


def test_the_defaults_are_the_windows_that_were_decided() -> None:
    assert tuple(one.window for one in Config().reset_windows) == WINDOWS
    nightly, weekend, login = Config().reset_windows
    assert (nightly.days, nightly.starts, nightly.minutes) == (
        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sun"], "00:15", 90,
    )  # fmt: skip
    assert (weekend.days, weekend.starts, weekend.minutes) == (["Fri"], "23:00", 240)
    assert (login.days, login.starts) == (["Sun"], "01:00")


def test_windows_survive_the_way_through_yaml() -> None:
    config = parse_yaml(LUNCH)
    assert config.reset_windows[0].starts == "12:00"
    assert parse_yaml(to_yaml(config)) == config
    assert parse_yaml(to_yaml(Config())) == Config()


def test_a_revision_from_before_there_were_windows_has_the_defaults() -> None:
    content = Config().content()
    del content["reset_windows"]
    assert read(content) == Config()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("12:00", "24:00", "line 5: reset_windows.0.starts"),
        ("12:00", "noon", "line 5: reset_windows.0.starts"),
        ("minutes: 60", "minutes: 0", "line 6: reset_windows.0.minutes"),
        ("minutes: 60", "minutes: 1441", "line 6: reset_windows.0.minutes"),
        ("minutes: 60", "hours: 1", "line 6: reset_windows.0.hours: unknown key"),
        ("[Tue]", "[Tuesday]", "line 4: reset_windows.0.days.0"),
        ("[Tue]", "[]", "line 4: reset_windows.0.days"),
        ("[Tue]", "[Tue, Tue]", "line 4: reset_windows.0.days: a day is named twice"),
        ("name: lunch", "name: ''", "line 3: reset_windows.0.name"),
    ],
)
def test_a_wrong_window_is_told_with_its_field_and_line(old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(LUNCH.replace(old, new))
    assert any(str(problem).startswith(told) for problem in caught.value.problems), caught.value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("reset_windows: []\n", "line 1: reset_windows: List should have at least 1 item"),
        (LUNCH + LUNCH.partition("\n  ")[2].join(["  ", ""]), "two windows have the same name"),
    ],
)
def test_no_window_at_all_and_one_twice_are_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_yaml(text)


def test_a_change_is_named_field_by_field() -> None:
    content = Config().content()
    content["reset_windows"][0]["minutes"] = 120
    (change,) = diff(Config().content(), content)
    assert (change.path, change.before, change.after) == ("reset_windows.0.minutes", 90, 120)


@pytest.mark.parametrize(
    ("text", "hour", "verdict"),
    [
        (LUNCH, 12, V.BLOCK),
        (LUNCH, 13, V.PASS),
        (LUNCH, 0, V.PASS),
        ("limits: {}", 12, V.PASS),
        ("limits: {}", 0, V.BLOCK),
    ],
)
def test_the_preflight_goes_by_the_session_s_own_windows(text: str, hour: int, verdict: V) -> None:
    now = datetime(NOON.year, NOON.month, NOON.day, hour, 20, tzinfo=ET)
    look = situation(plan_={"now": now, "config": parse_yaml(text)})
    assert NOON.weekday() == 1
    assert one("HP-33", look).verdict == verdict


@pytest.mark.django_db
def test_two_people_approve_other_windows(seeded: Endpoint, people: People) -> None:
    author: User = people.ld
    revision = revisions.draft(author, parse_yaml(LUNCH))
    assert revisions.slots(revision) == [Role.QA, Role.CRO]
