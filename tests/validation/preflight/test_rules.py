"""Each health check: where it passes, warns and blocks, and what it says of what it can't know."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.validation.conftest import well_gateway, well_host
from tests.validation.preflight.situations import (
    NOON,
    at_address,
    at_drift,
    bot,
    one,
    paper,
    samples,
    situation,
    thresholds,
)
from validation.configuration import Config, read
from validation.host_load import HostLoad
from validation.models import Verdict
from validation.preflight import process
from validation.preflight.judging import TABLE, judge
from validation.preflight.situation import Sample, drift

assert process.RULES
PASS, WARN, BLOCK = Verdict.PASS, Verdict.WARN, Verdict.BLOCK
ATTEST, UNKNOWN, NOT_APPLICABLE = Verdict.ATTEST, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE
CODES = {f"HP-{number:02d}" for number in range(1, 34)}


P, G, H = "plan", "gateway", "host"
BOUNDARIES: list[tuple[str, str, dict[str, Any], Verdict]] = [
    ("HP-01", G, {"port_ms": 2000.0}, PASS),
    ("HP-01", G, {"port_ms": 2000.1}, BLOCK),
    ("HP-01", G, {"port_ms": None, "port_error": "refused"}, BLOCK),
    ("HP-26", G, {"port_ms": 1.0}, PASS),
    ("HP-26", G, {"port_ms": None}, BLOCK),
    ("HP-02", G, {"accounts": ("DU1",)}, PASS),
    ("HP-02", G, {"connected": False, "unsafe": "U1 is live."}, BLOCK),
    ("HP-02", P, {"expected_account": "DU9"}, BLOCK),
    ("HP-02", P, {"expected_account": "DU1"}, PASS),
    ("HP-02", G, {"accounts": ("DU1", "DU9")}, BLOCK),
    ("HP-02", P, {"expected_account": ""}, BLOCK),
    ("HP-02", P, {"expected_account": "", "simulated": True}, PASS),
    ("HP-02P", P, {}, PASS),
    ("HP-02P", P, {"attested": {}}, BLOCK),
    ("HP-02P", P, {"attested": {}, "full": False}, ATTEST),
    ("HP-02P", P, {"attested": {}, "simulated": True}, NOT_APPLICABLE),
    ("HP-03", G, {"live_ports": ()}, PASS),
    ("HP-03", G, {"live_ports": (7496,)}, WARN),
    ("HP-04", G, {"samples": at_drift(0.0)}, PASS),
    ("HP-04", G, {"samples": at_drift(0.9)}, PASS),
    ("HP-04", G, {"samples": at_drift(1.5)}, WARN),
    ("HP-04", G, {"samples": at_drift(-1.5)}, WARN),
    ("HP-04", G, {"samples": at_drift(2.5)}, BLOCK),
    ("HP-04", G, {"samples": at_drift(-2.5)}, BLOCK),
    ("HP-04", G, {"samples": ()}, UNKNOWN),
    ("HP-04", P, {"simulated": True}, NOT_APPLICABLE),
    ("HP-05", G, {"samples": samples(49.9)}, PASS),
    ("HP-05", G, {"samples": samples(50.0)}, WARN),
    ("HP-05", G, {"samples": samples(99.9)}, WARN),
    ("HP-05", G, {"samples": samples(100.0)}, BLOCK),
    ("HP-05", G, {"samples": ()}, UNKNOWN),
    ("HP-06", G, {"unanswered": 0}, PASS),
    ("HP-06", G, {"unanswered": 1}, WARN),
    ("HP-06", G, {"samples": (), "unanswered": 0}, UNKNOWN),
    ("HP-07", P, {"now": NOON.replace(hour=9, minute=29)}, BLOCK),
    ("HP-07", P, {"now": NOON.replace(hour=9, minute=30)}, PASS),
    ("HP-07", P, {"now": NOON.replace(hour=15, minute=44)}, PASS),
    ("HP-07", P, {"now": NOON.replace(hour=15, minute=45)}, BLOCK),
    ("HP-07", P, {"now": NOON.replace(hour=15, minute=45), "wants_orders": False}, PASS),
    ("HP-07", P, {"now": NOON.replace(hour=16, minute=0), "full": False}, WARN),
    ("HP-07", P, {"now": NOON.replace(day=15)}, BLOCK),
    ("HP-07", P, {"now": NOON.replace(day=15), "wants_hours": False, "wants_orders": False}, PASS),
    ("HP-07", P, {"now": datetime(1999, 1, 5, 12, tzinfo=UTC)}, UNKNOWN),
    ("HP-07", P, {"simulated": True, "always_open": True}, NOT_APPLICABLE),
    ("HP-07", P, {"simulated": True, "now": NOON.replace(day=15)}, BLOCK),
    ("HP-08", P, {}, PASS),
    ("HP-08", P, {"config": None, "config_error": "gateway.port: not paper"}, BLOCK),
    ("HP-09", P, {"port": 4002}, PASS),
    ("HP-09", P, {"port": 7497, "config": at_address("127.0.0.1", 7497)}, PASS),
    ("HP-09", P, {"port": 7497}, BLOCK),
    ("HP-09", P, {"host": "10.0.0.5"}, BLOCK),
    ("HP-09", P, {"config": at_address("10.0.0.5", 4002)}, BLOCK),
    ("HP-09", P, {"host": "10.0.0.5", "config": at_address("10.0.0.5", 4002)}, PASS),
    ("HP-09", P, {"host": "localhost"}, PASS),
    ("HP-09", P, {"host": "10.0.0.5", "simulated": True}, PASS),
    ("HP-09", P, {"port": 4003}, BLOCK),
    ("HP-09", P, {"port": 4003, "simulated": True}, PASS),
    ("HP-10", P, {}, PASS),
    ("HP-10", P, {"config": Config().with_expiry("20260213")}, BLOCK),
    ("HP-10", P, {"config": Config()}, BLOCK),
    ("HP-10", G, {"expirations": ("20260227",)}, BLOCK),
    ("HP-10", G, {"expirations": None}, UNKNOWN),
    ("HP-10", G, {"strikes": (693.5,)}, BLOCK),
    ("HP-10", G, {"strikes": (693.6, 714.0)}, PASS),
    ("HP-10", G, {"strikes": (714.5,)}, BLOCK),
    ("HP-10", G, {"spot": None}, UNKNOWN),
    ("HP-10", P, {"now": datetime(1999, 1, 5, 12, tzinfo=UTC)}, UNKNOWN),
    ("HP-11", P, {"config": thresholds(historical_timeout_seconds=30)}, PASS),
    ("HP-11", P, {"config": thresholds(historical_timeout_seconds=29.9)}, WARN),
    ("HP-12", H, {"load": HostLoad(0.49, 0.69)}, PASS),
    ("HP-12", H, {"load": HostLoad(0.50, 0.1)}, WARN),
    ("HP-12", H, {"load": HostLoad(0.1, 0.70)}, WARN),
    ("HP-12", H, {"load": HostLoad(0.1, None)}, UNKNOWN),
    ("HP-12", H, {"load": HostLoad()}, UNKNOWN),
    ("HP-13", H, {"free_gb": 10.0}, PASS),
    ("HP-13", H, {"free_gb": 9.9}, WARN),
    ("HP-13", H, {"free_gb": 5.0}, WARN),
    ("HP-13", H, {"free_gb": 4.9}, BLOCK),
    ("HP-13", H, {"free_gb": None}, UNKNOWN),
    ("HP-14", P, {}, ATTEST),
    ("HP-14", P, {"attested": {"HP-14": "op: 17"}}, PASS),
    ("HP-14", P, {"attested": {"HP-14": "op2: 29.9 at 10:45"}}, PASS),
    ("HP-14", P, {"attested": {"HP-14": "op: VIX 30 on 2026-02-17"}}, WARN),
    ("HP-14", P, {"attested": {"HP-14": "op: 17, later 35,5"}}, WARN),
    ("HP-14", P, {"attested": {"HP-14": "op: calm"}}, ATTEST),
    ("HP-14", P, {"attested": {"HP-14": "op7: calm at 10:45"}}, ATTEST),
    ("HP-14", P, {"attested": {"HP-14": "op: 35"}}, WARN),
    ("HP-14", P, {"simulated": True}, NOT_APPLICABLE),
    ("HP-14", G, {"vix": 29.99, "vix_type": 1}, PASS),
    ("HP-14", G, {"vix": 29.99, "vix_type": 3}, PASS),
    ("HP-14", G, {"vix": 30.0, "vix_type": 1}, WARN),
    ("HP-15", P, {}, ATTEST),
    ("HP-15", P, {"attested": {"HP-15": "op: none"}}, PASS),
    ("HP-15", P, {"events": ("FOMC",)}, WARN),
    ("HP-15", P, {"events": ("FOMC",), "attested": {"HP-15": "op: none"}}, WARN),
    ("HP-15", P, {"simulated": True}, NOT_APPLICABLE),
    ("HP-16", G, {"net_liquidation": 95_000.0}, PASS),
    ("HP-16", G, {"net_liquidation": 94_999.0}, BLOCK),
    ("HP-16", G, {"net_liquidation": 120_000.0}, PASS),
    ("HP-16", G, {"net_liquidation": 120_001.0}, WARN),
    ("HP-16", G, {"net_liquidation": None}, UNKNOWN),
    ("HP-17", G, {"positions": ()}, PASS),
    ("HP-17", G, {"positions": (("SPY", 1.0),)}, BLOCK),
    ("HP-17", G, {"positions": None}, UNKNOWN),
    ("HP-18", G, {"open_refs": ()}, PASS),
    ("HP-18", G, {"open_refs": ("", "bot-7")}, WARN),
    ("HP-18", G, {"open_refs": ("prelive_20260217_001/OE-01",)}, BLOCK),
    ("HP-18", G, {"open_refs": None}, UNKNOWN),
    ("HP-19", P, {"kill_state": "ARMED"}, PASS),
    ("HP-19", P, {"kill_state": "TRIGGERED", "kill_reason": "drill"}, BLOCK),
    ("HP-19", P, {"kill_state": "UNKNOWN"}, BLOCK),
    ("HP-20", H, {"audit_error": ""}, PASS),
    ("HP-20", H, {"audit_error": "database is read-only"}, BLOCK),
    ("HP-20", H, {"audit_error": None}, UNKNOWN),
    ("HP-20B", H, {"backup_h": 24.0}, PASS),
    ("HP-20B", H, {"backup_h": 24.1}, WARN),
    ("HP-20B", H, {"backup_h": None}, UNKNOWN),
    ("HP-21", H, {"heartbeat_s": 60.0}, PASS),
    ("HP-21", H, {"heartbeat_s": 60.1}, BLOCK),
    ("HP-21", H, {"heartbeat_s": None}, UNKNOWN),
    ("HP-21", H, {"broker_error": "away"}, BLOCK),
    ("HP-21", H, {"broker_error": "away", "foreground": True}, PASS),
    ("HP-22", P, {"upload_green": True}, PASS),
    ("HP-22", P, {"upload_green": False}, BLOCK),
    ("HP-22", P, {"upload_green": None}, BLOCK),
    ("HP-22", P, {"upload_green": None, "full": False}, WARN),
    ("HP-22V", H, {}, PASS),
    ("HP-22V", H, {"code_version": "abd"}, BLOCK),
    ("HP-22V", P, {"code_version": "unknown"}, BLOCK),
    ("HP-23", G, {"data_type": 1}, PASS),
    ("HP-23", G, {"data_type": 2}, BLOCK),
    ("HP-23", G, {"data_type": 1, "quote_usable": False}, WARN),
    ("HP-23", G, {"data_type": 3}, BLOCK),
    ("HP-23", G, {"data_type": 4}, BLOCK),
    ("HP-23", G, {"data_type": None}, UNKNOWN),
    ("HP-24", H, {}, PASS),
    ("HP-24", H, {"trading_mode": "Paper"}, PASS),
    ("HP-24", H, {"trading_mode": "live"}, BLOCK),
    ("HP-24", H, {"override_file": "/home/op/ibkr_live_trading_confirmed.txt"}, BLOCK),
    ("HP-25", G, {"client_id": 210}, PASS),
    ("HP-25", G, {"client_id": 211}, WARN),
    ("HP-25", G, {"ids_in_use": True}, BLOCK),
    ("HP-25", G, {"connected": False}, UNKNOWN),
    ("HP-25B", P, {}, PASS),
    ("HP-25B", P, {"bot": None}, UNKNOWN),
    ("HP-25B", P, {"bot": None, "simulated": True}, NOT_APPLICABLE),
    ("HP-25B", P, {"config": None}, UNKNOWN),
    ("HP-25B", P, {"bot": bot(host="localhost")}, PASS),
    ("HP-25B", P, {"bot": bot(host="10.0.0.5")}, BLOCK),
    ("HP-25B", P, {"bot": bot(port=7497)}, BLOCK),
    ("HP-25B", P, {"bot": bot(port=4001)}, BLOCK),
    ("HP-25B", P, {"port": 7497}, BLOCK),
    ("HP-25B", P, {"bot": bot(client_id=2)}, WARN),
    ("HP-25B", P, {"bot": bot(client_id=209)}, WARN),
    ("HP-25B", P, {"bot": bot(client_id=210)}, BLOCK),
    ("HP-25B", P, {"bot": bot(client_id=250)}, BLOCK),
    ("HP-25B", P, {"bot": bot(client_id=251)}, WARN),
    ("HP-25B", P, {"bot": bot(timeout=31.0)}, WARN),
    ("HP-25B", P, {"bot": bot(timeout=None)}, WARN),
    ("HP-25B", P, {"bot": bot(host="10.0.0.5", port=7497), "simulated": True}, PASS),
    ("HP-25B", P, {"bot": bot(port=4001), "simulated": True}, WARN),
    ("HP-25B", P, {"bot": bot(timeout=31.0), "simulated": True}, WARN),
    ("HP-25B", P, {"bot": bot(client_id=211), "simulated": True}, BLOCK),
    ("HP-27", H, {}, PASS),
    ("HP-27", H, {"database_ms": None}, UNKNOWN),
    ("HP-28", H, {}, PASS),
    ("HP-28", H, {"broker_error": "away"}, WARN),
    ("HP-29", H, {}, PASS),
    ("HP-29", H, {"missing_commands": ("healthcheck",)}, WARN),
    ("HP-30", G, {}, PASS),
    ("HP-30", G, {"connected": False}, UNKNOWN),
    ("HP-31", H, {}, PASS),
    ("HP-31", H, {"status_page": ""}, WARN),
    ("HP-32", H, {}, PASS),
    ("HP-32", H, {"exposed": True, "exposed_text": "no HTTPS"}, WARN),
    ("HP-33", P, {}, PASS),
    ("HP-33", P, {"now": NOON.replace(hour=23, minute=46)}, BLOCK),
    ("HP-33", P, {"now": NOON.replace(hour=0, minute=20)}, BLOCK),
    ("HP-33", P, {"observe_s": 28_800.0, "now": NOON.replace(hour=16)}, PASS),
    ("HP-33", P, {"observe_s": 28_800.0, "now": NOON.replace(hour=20)}, BLOCK),
    ("HP-33", P, {"simulated": True, "now": NOON.replace(hour=0, minute=20)}, NOT_APPLICABLE),
]


@pytest.mark.parametrize(("code", "part", "changes", "verdict"), BOUNDARIES)
def test_each_check_has_its_boundaries(
    code: str, part: str, changes: dict[str, Any], verdict: Verdict
) -> None:
    parts = {P: "plan_", G: "gateway", H: "host"}
    found = one(code, situation(**{parts[part]: changes}))
    assert found.verdict == verdict, found.finding
    assert found.finding
    assert bool(found.remedy) == (verdict not in {PASS, NOT_APPLICABLE})


def test_every_code_of_the_requirements_stands_in_the_table_and_here() -> None:
    assert {code.rstrip("BPV") for code in TABLE} == CODES
    assert {code for code, *_ in BOUNDARIES} == set(TABLE)


def test_a_sound_paper_gateway_holds_nothing_up() -> None:
    found = judge(situation())
    assert not any(judgement.holds_up for judgement in found)
    assert {judgement.code for judgement in found if judgement.verdict != PASS} == {
        "HP-14", "HP-15",
    }  # fmt: skip


@pytest.mark.parametrize("code", sorted(TABLE))
def test_what_is_unknown_is_never_healthy_and_holds_up_what_blocks(code: str) -> None:
    nothing = replace(situation(), gateway=well_gateway(), host=well_host())
    rule = TABLE[code]
    unknown = [row for row in BOUNDARIES if row[0] == code and row[3] == UNKNOWN]
    for _, part, changes, _ in unknown:
        parts = {P: "plan_", G: "gateway", H: "host"}
        assert one(code, situation(**{parts[part]: changes})).holds_up == rule.blocks
    assert one(code, nothing).verdict != UNKNOWN


@pytest.mark.parametrize(
    ("code", "gateway", "host"),
    [
        ("HP-05", {"samples": samples(500)}, {}),
        ("HP-13", {}, {"free_gb": 1.0}),
        ("HP-21", {}, {"heartbeat_s": 600.0}),
        ("HP-23", {"data_type": 3}, {}),
    ],
)
def test_some_only_warn_on_a_simulated_gateway(
    code: str, gateway: dict[str, Any], host: dict[str, Any]
) -> None:
    on_paper = one(code, situation({}, gateway, host))
    simulated = one(code, situation({"simulated": True}, gateway, host))
    assert (on_paper.verdict, on_paper.holds_up) == (BLOCK, True)
    assert (simulated.verdict, simulated.holds_up) == (WARN, False)
    assert "would block a paper gateway" in simulated.finding


def test_a_worker_of_no_known_version_is_not_called_the_right_one() -> None:
    nobody = {"code_version": "unknown"}
    found = one("HP-22V", situation(nobody, host=nobody))
    assert (found.verdict, found.holds_up) == (UNKNOWN, False)


def test_green_tests_are_needed_on_paper_and_wished_for_on_a_simulation() -> None:
    assert one("HP-22", situation({"upload_green": None})).holds_up
    assert not one("HP-22", situation({"upload_green": None, "simulated": True})).holds_up


@pytest.mark.parametrize(
    ("hour", "simulated", "verdict"), [(11, False, BLOCK), (17, False, PASS), (17, True, WARN)]
)
def test_frozen_data_will_do_only_while_the_exchange_is_closed(
    hour: int, simulated: bool, verdict: Verdict
) -> None:
    then = {"now": NOON.replace(hour=hour), "simulated": simulated, "always_open": simulated}
    assert one("HP-23", situation(then, {"data_type": 2})).verdict == verdict


def test_without_a_price_no_strike_is_asked_of_a_session_without_orders() -> None:
    found = one("HP-10", situation({"wants_orders": False}, {"spot": None}))
    assert found.verdict == PASS
    assert "no strike" in found.finding


def test_what_the_bot_has_otherwise_is_named_beside_ours_with_the_digest() -> None:
    found = one("HP-25B", situation({"bot": bot(port=4001, client_id=212, timeout=None)}))
    assert found.holds_up
    assert found.finding == (
        f"Upload 7, SHA-256 {'ab' * 32}. Client id 212 is one of ours (210 to 250). 4001 is a live "
        "gateway's port. Differs: gateway.port 4001 (ours 4002), gateway.client_id 212 (ours 1), "
        "gateway.timeout not named (ours 30). Agrees: gateway.host 127.0.0.1."
    )


def test_the_bots_further_time_outs_are_compared_where_it_names_them() -> None:
    named = bot()
    values = {**named.values, "thresholds.cancel_timeout_seconds": 11.0}
    found = one("HP-25B", situation({"bot": replace(named, values=values)}))
    assert found.verdict == WARN
    assert "Differs: thresholds.cancel_timeout_seconds 11 (ours 10)." in found.finding


def test_on_a_simulated_gateway_the_address_is_said_not_to_be_compared() -> None:
    found = one("HP-25B", situation({"simulated": True, "port": 55_000}))
    assert found.finding.endswith("Host and port are not compared: the gateway is simulated.")
    assert "gateway.port" not in found.finding


def test_events_of_today_are_named_and_a_persons_word_stands_beside_them() -> None:
    said = {"events": ("FOMC", "CPI"), "attested": {"HP-15": "op: after the close"}}
    found = one("HP-15", situation(said))
    assert found.finding == "Today in New York: FOMC, CPI. op: after the close"


def test_documented_positions_are_known() -> None:
    held = {"positions": (("SPY", 1.0), ("QQQ", -2.0))}
    known = {"config": paper(documented_positions=["SPY", "QQQ"])}
    assert one("HP-17", situation(known, held)).verdict == PASS
    found = one("HP-17", situation({"config": paper(documented_positions=["SPY"])}, held))
    assert (found.verdict, found.finding) == (BLOCK, "Not documented: QQQ -2.")


def test_a_round_trip_and_whole_seconds_excuse_what_they_can() -> None:
    assert drift(()) is None
    assert drift((Sample(1000.5, 1000.0, 0.0),)) == 0.0
    assert drift((Sample(1003.0, 1000.0, 0.0),)) == pytest.approx(2.0)
    assert drift((Sample(1003.0, 1000.0, 2000.0),)) == pytest.approx(1.0)
    assert drift((Sample(997.0, 1000.0, 0.0),)) == pytest.approx(-3.0)
    assert drift((Sample(1003.0, 1000.0, 0.0), Sample(1003.9, 1000.0, 0.0))) == pytest.approx(2.9)


def test_the_time_until_the_sessions_end_counts_for_a_reset() -> None:
    late = NOON.replace(hour=23, minute=44)
    assert one("HP-33", situation({"now": late})).verdict == PASS
    assert one("HP-33", situation({"now": late + timedelta(minutes=1)})).verdict == BLOCK


def test_two_hours_of_watch_count_for_a_reset() -> None:
    at = NOON.replace(hour=22, minute=14)
    assert one("HP-33", situation({"now": at, "two_hours": True})).verdict == PASS
    late = {"now": at + timedelta(minutes=1)}
    assert one("HP-33", situation(late)).verdict == PASS
    assert one("HP-33", situation(late | {"two_hours": True})).verdict == BLOCK


def test_what_needs_a_connection_sends_people_there_first() -> None:
    away = situation(gateway={"port_ms": None, "connected": False, "net_liquidation": None})
    assert "HP-01 and HP-02 come first" in one("HP-16", away).remedy
    unread = situation(gateway={"net_liquidation": None})
    assert "Reset the paper account" in one("HP-16", unread).remedy


@pytest.mark.parametrize(
    ("kind", "simulated", "told"),
    [
        (1, False, "live"),
        (3, False, "delayed"),
        (7, False, "no known"),
        (1, True, "simulated"),
    ],
)
def test_the_vix_that_the_gateway_tells_is_marked_by_its_kind(
    kind: int, simulated: bool, told: str
) -> None:
    found = one("HP-14", situation({"simulated": simulated}, {"vix": 18.0, "vix_type": kind}))
    assert (found.verdict, told in found.finding) == (PASS, True)


def test_a_vix_that_the_gateway_tells_goes_before_what_a_person_says() -> None:
    calm = {"attested": {"HP-14": "op: 12"}}
    assert one("HP-14", situation(calm, {"vix": 41.0, "vix_type": 1})).verdict == WARN


def test_a_stricter_configuration_blocks_a_smaller_drift() -> None:
    content = Config().with_expiry("20260220").content()
    content["thresholds"] |= {"clock_drift_warn_seconds": 0.5, "clock_drift_fail_seconds": 1.0}
    strict = {"config": read(content)}
    assert one("HP-04", situation(strict, {"samples": at_drift(1.5)})).verdict == BLOCK
    assert one("HP-04", situation(strict, {"samples": at_drift(0.9)})).verdict == WARN
