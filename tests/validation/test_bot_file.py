"""The bot's file: both forms are read, what is not needed is let be, what is dangerous refused."""

import pytest

from validation.bot_file import BotTimeouts, Compared, compare, ours_of, read_bot
from validation.config_thresholds import Thresholds
from validation.configuration import Config, ConfigError

NESTED = "gateway:\n  host: 10.0.0.5\n  port: 4002\n  client_id: 1\n  timeout: 30\n"
FLAT = "gateway_host: 10.0.0.5\ngateway_port: 4002\ngateway_client_id: 1\ngateway_timeout: 30\n"
SAID = {
    "gateway.host": "10.0.0.5", "gateway.port": 4002, "gateway.client_id": 1,
    "gateway.timeout": 30.0,
}  # fmt: skip


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        read_bot(text)
    return str(raised.value)


@pytest.mark.parametrize("text", [NESTED, FLAT])
def test_both_forms_say_the_same(text: str) -> None:
    assert read_bot(text) == SAID


def test_what_the_bot_keeps_beside_it_is_let_be() -> None:
    own = "strategy:\n  symbols: [SPY]\nlog: debug\nthresholds:\n  edge: 0.4\n"
    assert read_bot(f"{NESTED}  reconnect: true\n{own}") == SAID


def test_further_time_outs_are_read_where_they_are_named() -> None:
    found = read_bot(f"{NESTED}thresholds:\n  cancel_timeout_seconds: 12.5\n")
    assert found["thresholds.cancel_timeout_seconds"] == 12.5
    expected = {name for name in Thresholds.model_fields if name.endswith("_timeout_seconds")}
    assert set(BotTimeouts.model_fields) == expected


@pytest.mark.parametrize(
    "secret",
    [
        "password: hunter2",
        "api-key: hunter2",
        "apiKey: hunter2",
        "access_token: hunter2",
        "deep: [{client_secret: hunter2}]",
        "DB_PASSWORD_PROD: hunter2",
        "database: postgres://bot:hunter2@db/bot",
        "deep: [[redis://:hunter2@cache]]",
    ],
)
def test_a_secret_is_refused_wherever_it_hides_and_is_not_repeated(secret: str) -> None:
    told = refused(f"{NESTED}{secret}\n")
    assert "credentials never belong" in told
    assert "hunter2" not in told


def test_a_secret_is_named_by_its_path_and_line() -> None:
    assert refused(f"{NESTED}feed:\n  - url: x\n    token: y\n").startswith(
        "line 8: feed.0.token: credentials never belong"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "not YAML"),
        ("- 1\n", "expected sections"),
        ("", "expected sections"),
        ("a: &x [1]\nb: *x\n", "anchors and aliases"),
        ("!!python/object/apply:os.system [id]\n", "expected sections"),
        ("gateway:\n  host: x\n  host: y\n", "duplicate key"),
        ("strategy: x\n", "neither a section gateway"),
        ("gateway: 4002\n", "line 1: gateway: expected keys"),
        ("gateway:\n", "line 1: gateway: expected keys"),
        (f"{NESTED}gateway_port: 4001\n", "line 6: gateway_port: stands beside"),
        (NESTED.replace("4002", "'4002'"), "line 3: gateway.port"),
        (NESTED.replace("4002", "0"), "line 3: gateway.port"),
        (NESTED.replace("4002", "65536"), "line 3: gateway.port"),
        (NESTED.replace("4002", "true"), "line 3: gateway.port"),
        (NESTED.replace("4002", ".nan"), "line 3: gateway.port"),
        (NESTED.replace("  client_id: 1\n", ""), "gateway.client_id: Field required"),
        (NESTED.replace("client_id: 1", "client_id: -1"), "line 4: gateway.client_id"),
        (NESTED.replace("10.0.0.5", "a host"), "line 2: gateway.host"),
        (NESTED.replace("timeout: 30", "timeout: .inf"), "line 5: gateway.timeout"),
        (NESTED.replace("timeout: 30", "timeout: 30 s"), "line 5: gateway.timeout"),
        (FLAT.replace("4002", "many"), "line 2: gateway_port"),
        (FLAT.replace("gateway_port: 4002\n", ""), "gateway_port: Field required"),
        (f"{NESTED}thresholds:\n  cancel_timeout_seconds: soon\n", "line 7: thresholds.cancel"),
        (f"{NESTED}thresholds: 3\n", "line 6: thresholds"),
        ("[" * 5000, "nested more than"),
        (f"{NESTED}x: {'y' * 70_000}\n", "larger than 64 KiB"),
    ],
)
def test_what_is_no_such_file_is_refused_with_its_place(text: str, why: str) -> None:
    assert why in refused(text)


def test_ours_are_compared_by_their_paths() -> None:
    ours = ours_of(Config())
    found = {one.path: one.agrees for one in compare(SAID, ours)}
    assert found == {
        "gateway.host": False, "gateway.port": True, "gateway.client_id": True,
        "gateway.timeout": True,
    }  # fmt: skip
    assert ours["thresholds.historical_timeout_seconds"] == 30


def test_what_one_of_the_two_does_not_name_agrees_with_nothing() -> None:
    assert Compared("gateway.timeout", None, 30.0).agrees is None
    assert Compared("gateway.port", 4002, None).agrees is None
