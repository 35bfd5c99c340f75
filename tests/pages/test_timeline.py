"""The time line of a session: one range for orders, checks, errors and log, and big sessions."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from brokerage.models import OrderRecord
from tests.pages.busy import busy
from validation.models import Session

pytestmark = pytest.mark.django_db
LIVE = {"HX-Request": "true"}
ORDER = {"con_id": 1, "symbol": "SPY", "sec_type": "STK", "side": "BUY", "quantity": 1,
         "order_type": "LMT", "limit_price": 1, "route": "SIMULATED",
         "state": "FILLED"}  # fmt: skip


@pytest.fixture
def small(session: Session) -> Session:
    """Sixteen or more scenarios, 60 orders and 300 lines in 300 seconds."""
    return busy(session, orders=60, lines=300, seconds=300)


def page(browser: Client, session: Session, query: str = "") -> str:
    answer = browser.get(f"{session.get_absolute_url()}{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def counted(text: str, part: str) -> int:
    found = re.search(rf'id="{part}".*?<span class="muted small">([\d,]+)', text, re.DOTALL)
    assert found, part
    return int(found[1].replace(",", ""))


def test_a_range_filters_orders_checks_errors_and_log_together(
    viewer: Client, small: Session
) -> None:
    whole, part = page(viewer, small), page(viewer, small, "?from=100&to=130")
    assert counted(whole, "orders") == 60
    assert 6 <= counted(part, "orders") <= 8
    assert counted(whole, "errors") == 30
    assert counted(part, "errors") == 3
    assert counted(part, "checks") < counted(whole, "checks") == small.attempts.count()
    assert "line 00110 of many" in part
    assert "line 00090 of many" not in part
    assert "line 00140 of many" not in part


def test_a_range_may_be_open_at_one_end(viewer: Client, small: Session) -> None:
    assert counted(page(viewer, small, "?from=290"), "orders") == 2
    assert counted(page(viewer, small, "?to=4"), "orders") == 1
    assert counted(page(viewer, small, "?to=0"), "orders") == 1


def test_level_text_and_scenario_filter_too(viewer: Client, small: Session) -> None:
    assert counted(page(viewer, small, "?level=ERROR"), "log") == 30
    assert counted(page(viewer, small, "?text=LINE+00007"), "log") == 1
    small.log_lines.create(source="order", message="A", event_type="order.filled")
    assert counted(page(viewer, small, "?event=order."), "log") == 1
    first = small.attempts.first()
    assert first is not None
    part = page(viewer, small, f"?scenario={first.scenario}")
    assert counted(part, "checks") == 1


@pytest.mark.parametrize("query", ["?from=x", "?to=-1", "?from=nan", "?level=LOUD", "?text=%00"])
def test_a_wrong_range_is_refused_in_words(viewer: Client, small: Session, query: str) -> None:
    answer = viewer.get(f"{small.get_absolute_url()}{query}")
    assert answer.status_code == 400
    assert "Error 400" in answer.content.decode()
    assert viewer.get(f"/sessions/{small.number}/timeline/{query}").status_code == 400


def test_the_pages_of_a_list_keep_the_filter(viewer: Client, small: Session) -> None:
    part = page(viewer, small, "?to=200&level=INFO")
    found = re.search(r'href="([^"]+)#orders" rel="next"', part)
    assert found
    link = found[1].replace("&amp;", "&")
    assert {"to=200.0", "level=INFO", "orders_page=2"} <= set(link.split("?")[1].split("&"))
    assert viewer.get(link).status_code == 200


def test_the_newest_lines_come_first_to_hand_and_older_ones_have_pages(
    viewer: Client, small: Session
) -> None:
    newest = page(viewer, small)
    assert newest.index("line 00297") < newest.index("line 00298")
    older = page(viewer, small, "?log_page=2")
    assert "line 00298" not in older
    assert "line 00150" in older


def test_the_part_that_a_range_renews_gives_the_address_to_share(
    viewer: Client, small: Session
) -> None:
    answer = viewer.get(f"/sessions/{small.number}/timeline/?from=10&to=20", headers=LIVE)
    assert answer["HX-Push-Url"] == f"/sessions/{small.number}/?from=10.0&to=20.0"
    assert "<main" not in answer.content.decode()


@pytest.mark.parametrize("part", ["charts", "rows"])
def test_what_has_not_changed_is_not_sent_again(viewer: Client, small: Session, part: str) -> None:
    path = f"/sessions/{small.number}/timeline/?part={part}"
    text = viewer.get(path, headers=LIVE).content.decode()
    found = re.search(rf'hx-get="([^"]*part={part}[^"]*)"', text)
    assert found
    again = found[1].replace("&amp;", "&")
    assert viewer.get(again, headers=LIVE).status_code == 204
    small.log_lines.create(source="late", message="one more")
    assert viewer.get(again, headers=LIVE).status_code == 200


def test_only_new_log_lines_follow(viewer: Client, small: Session) -> None:
    newest = small.log_lines.order_by("-pk").first()
    assert newest is not None
    path = f"/sessions/{small.number}/timeline/?part=log&after={newest.pk}"
    assert viewer.get(path, headers=LIVE).status_code == 204
    small.log_lines.create(source="late", message="fresh news")
    told = viewer.get(path, headers=LIVE).content.decode()
    assert "fresh news" in told
    assert told.count("<li") == 1


def test_the_live_part_of_the_session_does_not_carry_the_time_line(
    viewer: Client, small: Session
) -> None:
    part = viewer.get(small.get_absolute_url(), headers=LIVE).content.decode()
    assert "timeline-charts" not in part
    assert "line 00299" not in part


def test_charts_say_in_words_what_they_show(viewer: Client, small: Session) -> None:
    whole = page(viewer, small)
    assert len(re.findall(r'role="img" aria-label="[^"]{10,}"', whole)) >= 6
    for name in ("Scenarios", "Connection", "Planned faults", "Orders", "Latency", "Quote age"):
        assert f'<h3 class="chart__name">{name}' in whole
    assert "Lost as planned" in whole
    assert "no answer after" in whole


def test_the_session_watch_has_lanes_of_its_own(viewer: Client, small: Session) -> None:
    start = small.started_at
    assert start is not None
    for state, second in (("UP", 0), ("DOWN", 100), ("UP", 130)):
        small.connection_events.create(
            lane="broker", state=state, at=start + timedelta(seconds=second), code=1100
        )
    whole = page(viewer, small)
    assert '<h3 class="chart__name">Watch: broker' in whole
    assert "<title>Down (1100), 100.0 s to 130.0 s</title>" in whole


def test_a_lane_of_which_nothing_was_heard_is_never_green(viewer: Client, small: Session) -> None:
    assert small.started_at is not None
    small.connection_events.create(lane="history", state="UNKNOWN", at=small.started_at)
    found = re.search(
        r'Watch: history.*?class="bar bar--(\w+)".*?<title>([^<]+)', page(viewer, small), re.DOTALL
    )
    assert found is not None
    assert (found[1], found[2].split(",")[0]) == ("idle", "Unknown")


def test_no_two_things_on_the_page_have_one_name(viewer: Client, small: Session) -> None:
    names = re.findall(r'\sid="([^"]+)"', page(viewer, small))
    assert sorted(names) == sorted(set(names))


def test_metrics_show_both_verdicts_and_how_many_samples_are_missing(
    viewer: Client, small: Session
) -> None:
    whole = page(viewer, small)
    assert '<tr id="ME-01">' in whole
    assert 'data-state="INSUFFICIENT"' in whole
    assert 'data-state="NO_DATA"' in whole
    assert "needed</span>" in whole
    assert whole.index('data-state="FAIL"') < whole.index('data-state="NO_DATA"')


def test_zoom_stretches_the_axis_over_the_range(viewer: Client, small: Session) -> None:
    assert 'data-start="100.0" data-end="130.0"' in page(viewer, small, "?from=100&to=130&zoom=on")
    assert 'data-start="0.0" data-end="300.0"' in page(viewer, small, "?from=100&to=130")


def test_an_empty_session_has_a_time_line_too(viewer: Client, session: Session) -> None:
    assert "Nothing was timed" in page(viewer, session)


def test_ten_thousand_lines_and_a_thousand_orders_stay_small_and_quick(
    viewer: Client, session: Session, django_assert_max_num_queries: Any
) -> None:
    busy(session, orders=1000, lines=10_000, seconds=3600)
    page(viewer, session)
    began = time.process_time()
    with django_assert_max_num_queries(72):
        whole = page(viewer, session)
    took = time.process_time() - began
    assert len(whole) < 400_000
    assert took < 5
    assert counted(whole, "log") > 10_000
    rows = viewer.get(f"/sessions/{session.number}/timeline/?part=rows", headers=LIVE)
    assert len(rows.content) < 60_000


def test_more_orders_and_lines_ask_the_database_no_more_questions(
    viewer: Client, session: Session
) -> None:
    path = f"/sessions/{session.number}/timeline/"
    busy(session, orders=30, lines=100, seconds=60)
    with CaptureQueriesContext(connection) as few:
        viewer.get(path, headers=LIVE)
    for n in range(200):
        session.log_lines.create(source="broker", level="ERROR", message=f"more {n}")
    OrderRecord.objects.bulk_create(
        OrderRecord(**ORDER, scope=session.number, key=f"more-{n}", ref=f"{session.number}/OE-01")
        for n in range(200)
    )
    with CaptureQueriesContext(connection) as many:
        viewer.get(path, headers=LIVE)
    assert len(many) == len(few)
