"""Judging: the point rule beside what the samples can show; nothing is green without evidence."""

from dataclasses import replace
from math import inf

import pytest

from validation.judging import (
    Limit,
    Verdict,
    in_company,
    judge_count,
    judge_share,
    judge_times,
    ordered,
)
from validation.statistics import Timed

P95 = Limit("ME-01", "Order to acknowledgement", "ms", "p95", "<", 200.0)
MEAN = Limit("ME-05", "Connection latency", "ms", "mean", "<", 100.0)
RATE = Limit("ME-11", "Fill rate", "", "share", ">", 0.98)
NONE_LOST = Limit("ME-13", "Disconnections", "", "count", "=", 0.0)


def times(*values: float, unanswered: int = 0) -> list[Timed]:
    return [*map(Timed, values), *[Timed(5000.0, censored=True)] * unanswered]


def test_without_a_sample_there_is_no_verdict_but_no_data() -> None:
    for row in (judge_times(P95, []), judge_share(RATE, 0, 0), judge_count(NONE_LOST, None, 0)):
        assert (row.policy, row.evidence) == (Verdict.NO_DATA, Verdict.NO_DATA)
        assert row.value is None


def test_a_few_fast_answers_satisfy_the_rule_but_show_nothing() -> None:
    row = judge_times(P95, times(*[10.0] * 10))
    assert (row.policy, row.evidence, row.n_needed) == (Verdict.PASS, Verdict.INSUFFICIENT, 59)
    assert row.high is None
    assert "the longest was 10" in row.why


def test_59_fast_answers_show_it() -> None:
    row = judge_times(P95, times(*[10.0] * 59))
    assert (row.policy, row.evidence, row.n_needed) == (Verdict.PASS, Verdict.PASS, None)


def test_slow_answers_fail_by_both() -> None:
    row = judge_times(P95, times(*[300.0] * 20))
    assert (row.policy, row.evidence) == (Verdict.FAIL, Verdict.FAIL)
    assert row.n_needed is None


def test_one_order_in_ten_without_an_answer_fails_the_rule() -> None:
    row = judge_times(P95, times(*[10.0] * 90, unanswered=10))
    assert row.policy == Verdict.FAIL
    assert row.at_least
    assert row.value == 5000.0
    assert row.high == inf


def test_p99_of_fewer_than_20_samples_is_not_told() -> None:
    assert dict(judge_times(P95, times(*[1.0] * 19)).parts)["p99"] is None
    assert dict(judge_times(P95, times(*[1.0] * 20)).parts)["p99"] == 1.0


def test_an_average_is_judged_by_its_interval() -> None:
    assert judge_times(MEAN, times(10, 12, 14)).evidence == Verdict.PASS
    assert judge_times(MEAN, times(50, 140, 80)).evidence == Verdict.INSUFFICIENT
    assert judge_times(MEAN, times(150, 160, 155)).evidence == Verdict.FAIL
    assert judge_times(MEAN, times(12)).evidence == Verdict.INSUFFICIENT


def test_an_average_with_an_unanswered_one_is_never_shown_to_be_good() -> None:
    row = judge_times(replace(MEAN, threshold=1e6), times(*[10.0] * 50, unanswered=1))
    assert (row.policy, row.evidence, row.at_least) == (Verdict.PASS, Verdict.INSUFFICIENT, True)
    assert row.n_needed is None


def test_the_longest_of_all_counts_each_of_them() -> None:
    each = Limit("ME-06b", "Longest", "ms", "longest", "<", 30_000.0)
    assert judge_times(each, times(10, 20_000)).policy == Verdict.PASS
    assert judge_times(each, times(10, 31_000)).policy == Verdict.FAIL
    assert judge_times(each, times(10, unanswered=1)).policy == Verdict.FAIL


@pytest.mark.parametrize(
    ("hits", "n", "policy", "evidence"),
    [(49, 50, "FAIL", "INSUFFICIENT"), (50, 50, "PASS", "INSUFFICIENT"),
     (200, 200, "PASS", "PASS"), (90, 100, "FAIL", "FAIL"), (98, 100, "FAIL", "INSUFFICIENT")],
)  # fmt: skip
def test_the_fill_rate_against_98_percent(hits: int, n: int, policy: str, evidence: str) -> None:
    row = judge_share(RATE, hits, n)
    assert (row.policy, row.evidence) == (policy, evidence)


def test_the_fill_rate_says_how_many_trades_are_missing() -> None:
    assert judge_share(RATE, 50, 50).n_needed == 189
    assert judge_share(RATE, 49, 50).n_needed == 280


def test_a_complete_count_is_its_own_evidence() -> None:
    assert judge_count(NONE_LOST, 0.0, 1).evidence == Verdict.PASS
    assert judge_count(NONE_LOST, 1.0, 1).evidence == Verdict.FAIL


def test_a_figure_without_a_limit_has_no_verdict() -> None:
    row = judge_count(Limit("ME-20", "Orders", "", "count"), 7.0, 7)
    assert (row.value, row.policy, row.evidence) == (7.0, Verdict.NONE, Verdict.NONE)


def test_among_many_a_narrow_pass_is_not_enough() -> None:
    narrow = judge_times(P95, times(*[10.0] * 59))
    others = [judge_times(replace(P95, code=f"ME-{n}"), times(*[10.0] * 59)) for n in range(3)]
    assert in_company([narrow])[0].evidence == Verdict.PASS
    corrected = in_company([narrow, *others])[0]
    assert corrected.evidence == Verdict.INSUFFICIENT
    assert "Holm over 4 metrics" in corrected.why


def test_a_failure_stays_one_in_any_company() -> None:
    bad = judge_times(P95, times(*[300.0] * 20))
    good = [judge_times(replace(P95, code=f"ME-{n}"), times(*[10.0] * 400)) for n in range(3)]
    assert in_company([bad, *good])[0].evidence == Verdict.FAIL


def test_what_failed_comes_first_and_mere_figures_last() -> None:
    rows = [
        judge_count(Limit("ME-20", "Orders", "", "count"), 7.0, 7),
        judge_times(P95, times(*[10.0] * 59)),
        judge_times(P95, []),
        judge_times(P95, times(*[10.0] * 10)),
        judge_times(P95, times(*[300.0] * 20)),
    ]
    shown = [row.worst for row in ordered(rows)]
    assert shown == ["FAIL", "INSUFFICIENT", "NO_DATA", "PASS", ""]
