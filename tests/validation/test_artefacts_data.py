"""Orders, messages, metrics and the report as data: everything is in, nothing is typed by hand."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from ruamel.yaml import YAML

from brokerage.models import OrderEvent, OrderRecord
from tests.validation.recorded import record_session
from validation import archiving
from validation.artefacts import report
from validation.artefacts.bundle import problems
from validation.artefacts.messages import broker_messages, session_log
from validation.artefacts.order_history import INTERNAL, order_history
from validation.facts import Facts
from validation.models import Session

pytestmark = pytest.mark.django_db


@pytest.fixture
def recorded(db: None) -> Session:
    return record_session()


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def content(session: Session) -> dict[str, Any]:
    return report.content(Facts(session))


def test_the_order_history_has_every_field_event_and_fill(recorded: Session) -> None:
    (order,) = json.loads(order_history(Facts(recorded)))["orders"]
    stored = {field.name for field in OrderRecord._meta.concrete_fields} - INTERNAL
    assert stored <= order.keys()
    events = {field.name for field in OrderEvent._meta.concrete_fields} - INTERNAL
    assert order["events"][0].keys() == events
    assert order["events"][0]["detail"]["alpha"] == {"price": 499.99, "b": [1, 2.5]}
    assert order["fills"][0]["commission"]["amount"] == 1
    assert order["created_at"] == "2026-03-02T15:30:05.123456+00:00"


def test_a_fill_of_no_known_order_is_not_lost(recorded: Session) -> None:
    fill = Facts(recorded).executions[0]
    fill.pk, fill.exec_id, fill.order, fill._state.adding = None, "stray", None, True
    fill.save()
    (stray,) = json.loads(order_history(Facts(recorded)))["other_fills"]
    assert stray["exec_id"] == "stray"


def test_broker_messages_carry_time_code_text_request_and_plan(recorded: Session) -> None:
    rows = table(broker_messages(Facts(recorded)))
    assert list(rows[0]) == ["simulated", "time", "code", "text", "request_id", "planned"]
    assert len(rows) == 7
    assert (rows[1]["code"], rows[1]["request_id"], rows[1]["planned"]) == ("2104", "3", "no")
    assert rows[5]["planned"] == "yes"
    assert rows[1]["text"] == "'=line 3, with “quotes”"


def test_the_session_log_has_every_line_in_order(recorded: Session) -> None:
    rows = [json.loads(line) for line in session_log(Facts(recorded)).splitlines()]
    assert len(rows) == recorded.log_lines.count()
    assert rows[3]["message"] == "=line 3, with “quotes”"
    assert (rows[3]["scenario"], rows[2]["scenario"]) == ("RS-01", None)


def test_the_performance_record_has_its_four_lines(recorded: Session) -> None:
    rows = content(recorded)["figures"]
    assert [row["name"] for row in rows] == [
        "Average time to fill", "Average age of quotes", "Gateway uptime, planned faults aside",
        "Average connection latency",
    ]  # fmt: skip
    uptime = rows[2]
    assert (uptime["value"], uptime["holds"]) == (95.0, False)
    judged = {row["code"]: row["n"] for row in content(recorded)["metrics"]}
    assert [rows[place]["samples"] for place in (0, 1, 3)] == [
        judged[code] for code in ("ME-06", "ME-07", "ME-05")
    ]
    assert rows[0]["value"] == 2.5


def test_planned_outages_lower_the_raw_uptime_alone(recorded: Session) -> None:
    recorded.log_lines.create(
        source="gateway", message="Disconnected: y", at=recorded.ended_at, planned=True
    )
    found = content(recorded)
    assert found["connection"]["planned_disconnections"] == 1
    assert found["connection"]["unplanned_disconnections"] == 1
    assert found["figures"][2]["value"] == 95.0


def test_the_report_lists_windows_limitations_and_failures(recorded: Session) -> None:
    data = content(recorded)
    text = report.markdown(Facts(recorded), data)
    assert "| 2.5 | A cut. |" in text
    assert [line[:4] for line in data["limitations"][-3:]] != []
    assert "- B-2: Upper." in text
    assert "| S-MED | MY-1 Toy MY-1 | Failed | Failed: two is two. |" in text
    assert "**SIMULATED**" in text
    assert "It | went" in text


def test_the_metrics_table_has_the_specified_columns(recorded: Session) -> None:
    files = {one.name: one.content.decode() for one in archiving.files(recorded)}
    judged = table(files["metrics_20260302.csv"])
    wanted = {"metric", "unit", "value", "target", "comparator", "status", "n"}
    assert wanted <= judged[0].keys()
    assert any(row["code"] == "ME-08" and row["status"] == "FAIL" for row in judged)
    assert len(table(files["measurements_20260302.csv"])) == 15
    assert json.loads(files["metrics_20260302.json"])["simulated"] is True


def test_the_configuration_is_the_pinned_one(recorded: Session) -> None:
    text = archiving.files(recorded)[-1].content.decode()
    assert YAML(typ="safe").load(text) == recorded.config.content


@pytest.mark.parametrize("simulated", [True, False])
def test_every_file_for_programs_says_in_every_row_whether_it_was_simulated(
    recorded: Session, simulated: bool
) -> None:
    Session.objects.filter(pk=recorded.pk).update(simulated=simulated)
    recorded.refresh_from_db()
    said: dict[str, set[Any]] = {}
    for one in archiving.files(recorded):
        text = one.content.decode()
        if one.name.endswith(".csv"):
            said[one.name] = {row["simulated"] == "yes" for row in table(text)}
        elif one.name.endswith(".jsonl"):
            said[one.name] = {json.loads(line)["simulated"] for line in text.splitlines()}
        elif one.name.startswith(("metrics", "orders")):
            said[one.name] = {json.loads(text)["simulated"]}
        elif one.name.endswith(".yaml"):
            said[one.name] = {"SIMULATED" in text.splitlines()[0]}
    assert said == {name: {simulated} for name in said}
    assert len(said) == 7
    assert problems(archiving.archive(recorded)) == []


@pytest.mark.parametrize("form", list(archiving.FORMS))
def test_every_file_for_people_says_simulated(recorded: Session, form: str) -> None:
    assert "simulated" in archiving.report_file(recorded, form).content.decode().lower()


def test_the_report_says_how_long_each_part_of_the_connection_was_known_to_be_up(
    recorded: Session,
) -> None:
    assert recorded.ended_at is not None
    for lane, state, before in (
        ("broker", "UNKNOWN", 30), ("scenario", "UP", 30), ("broker", "UP", 20),
        ("broker", "UNKNOWN", 5),
    ):  # fmt: skip
        at = recorded.ended_at - timedelta(seconds=before)
        recorded.connection_events.create(lane=lane, state=state, at=at)
    assert content(recorded)["watch"]["lanes"] == [
        {"lane": "broker", "state": "UNKNOWN", "seconds": 15.0},
        {"lane": "broker", "state": "UP", "seconds": 15.0},
    ]
    text = archiving.report_file(recorded, "md").content.decode()
    assert "| broker | Unknown | 15.0 |" in text
