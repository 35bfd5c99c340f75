"""The configuration: what it admits, and how it says what is wrong."""

import pytest

from validation.configuration import (
    Config,
    ConfigError,
    diff,
    digest,
    parse_yaml,
    read,
    to_yaml,
)

# What has to be tightened with it.
WARNS = {"clock_drift_fail_seconds": "  clock_drift_warn_seconds: 0.5\n"}


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text)
    return [str(problem) for problem in caught.value.problems]


def test_what_is_exported_can_be_imported_again() -> None:
    config = Config().with_expiry("20261127")
    assert parse_yaml(to_yaml(config)) == config


def test_a_missing_field_has_its_default() -> None:
    assert parse_yaml("gateway:\n  port: 7497\n").thresholds.quote_freshness_seconds == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gateway:\n  host: x\n  prot: 1\n", "line 3: gateway.prot: unknown key"),
        ("gateway:\n  port: 4001\n", "line 2: gateway.port: 4001 is a live gateway's port"),
        ("gateway:\n  port: 5000\n", "line 2: gateway.port: 5000 is not on the list"),
        ("gateway:\n  client_id: 215\n", "line 2: gateway.client_id: 210 to 250"),
        ("\n\ngateway: 3\n", "line 3: gateway"),
        ("thresholds:\n  suite_minutes: .nan\n", "line 2: thresholds.suite_minutes"),
        ("thresholds:\n  suite_minutes: true\n", "line 2: thresholds.suite_minutes"),
        ("thresholds:\n  stream_quality_min_quotes: '50'\n", "line 2: thresholds.stream"),
        ("limits:\n  max_orders: -1\n", "line 2: limits.max_orders"),
        ("a: 1\nb: *x\n", "line 2: anchors and aliases"),
        ("a: &x 1\nb: *x\n", "line 1: anchors and aliases"),
        ("a: 1\na: 2\n", "line 2: not YAML: found duplicate key"),
        ("- 1\n", "line 1: expected sections"),
        ("", "line 1: expected sections"),
        ("x: " + "[" * 60_000, "nested more than 8 levels deep"),
        ("x: [1", "not YAML"),
        ("#" * 70_000, "larger than 64 KiB"),
        ("a: !!python/object:os.system x\n", "line 1: a: unknown key"),
    ],
)
def test_a_problem_names_its_field_and_line(text: str, told: str) -> None:
    assert any(told in problem for problem in problems(text)), problems(text)


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "Passwd",
        "api_key",
        "IB_USERNAME",
        "secret",
        "token",
        "api-key",
        "privateKey",
        "db_password_prod",
        "pwd",
    ],
)
def test_credentials_are_refused_wherever_they_stand(key: str) -> None:
    (told,) = problems(f"gateway:\n  {key}: hunter2\n")
    assert told.startswith(f"line 2: gateway.{key}: credentials")
    assert "hunter2" not in told


def test_credentials_in_a_list_are_found_too() -> None:
    (told,) = problems("paper_trading:\n  documented_positions:\n    - password: x\n")
    assert told.startswith("line 3: paper_trading.documented_positions.0.password")


@pytest.mark.parametrize("written", ["20261127", "2026-11-27", "'20261127'"])
def test_an_expiry_may_be_written_as_number_text_or_date(written: str) -> None:
    config = parse_yaml(f"test_contracts:\n  spy_weekly_call:\n    expiry: {written}\n")
    assert config.test_contracts.spy_weekly_call.expiry == "20261127"


@pytest.mark.parametrize("written", ["20261332", "1", "true", "[1]"])
def test_an_expiry_that_is_no_day_is_refused(written: str) -> None:
    assert problems(f"test_contracts:\n  spy_weekly_call:\n    expiry: {written}\n")


def test_bounds_must_be_in_order() -> None:
    told = problems("test_contracts:\n  spy_weekly_call:\n    otm_min: 0.06\n    otm_max: 0.05\n")
    assert told == ["line 2: test_contracts.spy_weekly_call: otm_min and ask_min must lie below "
                    "otm_max and ask_max"]  # fmt: skip


def test_a_stored_configuration_may_name_a_port_that_was_allowed_then() -> None:
    content = Config().content()
    content["gateway"]["port"] = 4010
    assert read(content).gateway.port == 4010
    with pytest.raises(ConfigError, match="4010"):
        read(content, ports=frozenset({4002}))


def test_a_difference_is_named_by_its_path() -> None:
    before, after = Config().content(), Config().with_expiry("20261127").content()
    (change,) = diff(before, after)
    assert (change.path, change.before, change.after) == (
        "test_contracts.spy_weekly_call.expiry", "", "20261127",
    )  # fmt: skip
    assert {change.after for change in diff({"a": {"b": 1}}, {})} == {None}


def test_the_digest_tells_contents_apart_and_not_the_order_of_their_keys() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        ("connection_p95_ms", 500), ("session_max_gap_seconds", 10),
        ("clock_drift_warn_seconds", 1), ("clock_drift_fail_seconds", 2),
    ],
)  # fmt: skip
def test_a_limit_of_the_specification_can_be_tightened_alone(field: str, limit: float) -> None:
    assert getattr(Config().thresholds, field) == limit
    (told,) = problems(f"thresholds:\n  {field}: {limit + 0.1}\n")
    assert told.startswith(f"line 2: thresholds.{field}")
    less = parse_yaml(f"thresholds:\n  {field}: {limit * 0.9}\n" + WARNS.get(field, ""))
    assert getattr(less.thresholds, field) == pytest.approx(limit * 0.9)


def test_a_drift_that_fails_lies_half_a_second_above_one_that_warns() -> None:
    (told,) = problems("thresholds:\n  clock_drift_fail_seconds: 1.4\n")
    assert "half a second" in told
