"""The bars are judged as they are written."""

import math

import pytest

from bench.bars import BARS, LARGE, Bar, Sense
from bench.sizes import SIZES
from bench.verdicts import Verdict, conclusion, judge

MEASURED = {
    "short.database_ms": 1.7,
    "middle.total_ms": 80.0,
    "long.database_ms": 2.0,
    "long.total_ms": 90.0,
    "plain.database_ms": 3200.0,
    "plain.aggregation_s": 20.0,
    "rate_100k.rows_per_change": 1.0,
    "rate_1m.rows_per_change": 2.0,
    "rate_1m.database_ms": 30.0,
    "rate_1m.plain_day_ms": 300.0,
    "rate_1m.total_ms": 150.0,
    "rate_10m.rows_per_change": 3.0,
    "rate_10m.database_ms": 39.0,
    "rate_10m.total_ms": 400.0,
    "late_scores.rows_per_change": 2.5,
    "late_scores.total_ms": 120.0,
    "no_late_scores.total_ms": 100.0,
    "text_ids.late_row_s": 40.0,
    "ours.plain.1.p50_ms": 0.4,
    "ours.gzip.1.p50_ms": 0.1,
    "ours.gzip.16.per_second": 15000.0,
    "sql_exporter.gzip.16.per_second": 99.0,
    "ours.memory_mb": 249.0,
    "ours.peak_memory_mb": 399.0,
    "ours.restart_s": 0.9,
    "ours.build_s": 30.0,
    "busy_day.peak_memory_mb": 350.0,
    "ours.progress_lines": 13.0,
}
DAYS = {"short": 4, "middle": 40, "long": 400}
# Bars in their order, each with the measurement that just breaks it.
BREAKING = [
    {"plain.database_ms": 2999.0},
    {"short.database_ms": 1.66},
    {"rate_1m.plain_day_ms": 239.0},
    {"rate_10m.database_ms": 40.0},
    {"rate_100k.rows_per_change": 3.01},
    {"rate_1m.rows_per_change": 3.01},
    {"rate_10m.rows_per_change": 3.01},
    {"late_scores.rows_per_change": 3.01},
    {"late_scores.total_ms": 131.0},
    {"long.total_ms": 100.0},
    {"rate_1m.total_ms": 200.0},
    {"rate_10m.total_ms": 500.0},
    {"middle.total_ms": 59.9},
    {"text_ids.late_row_s": 75.0},
    {"ours.plain.1.p50_ms": 0.5},
    {"ours.gzip.1.p50_ms": 0.2},
    {"sql_exporter.gzip.16.per_second": 101.0},
    {"ours.memory_mb": 250.0},
    {"ours.peak_memory_mb": 400.0},
    {"busy_day.peak_memory_mb": 400.0},
    {"ours.restart_s": 1.0},
    {"plain.aggregation_s": 19.9},
    {"ours.progress_lines": 0.0},
]


def test_a_run_that_meets_them_all_says_so() -> None:
    verdicts = judge(BARS, MEASURED, DAYS)
    assert [verdict.met for verdict in verdicts] == [True] * len(BARS)
    assert conclusion(verdicts, counts=True) == "all bars met"


@pytest.mark.parametrize("broken", range(len(BREAKING)))
def test_each_bar_can_fall_short_alone(broken: int) -> None:
    verdicts = judge(BARS, MEASURED | BREAKING[broken], DAYS)
    assert [place for place, verdict in enumerate(verdicts) if verdict.missed] == [broken]
    assert [place for place, verdict in enumerate(verdicts) if not verdict.met] == [broken]
    assert conclusion(verdicts, counts=True) == f"falls short: {verdicts[broken].bar.what}"


def test_every_bar_has_its_limit_tried() -> None:
    assert len(BREAKING) == len(BARS)


THROUGHPUT = "throughput of scrapes, gzip as Prometheus asks, 16 connections, against sql_exporter"


def test_a_bar_that_was_not_measured_is_neither_met_nor_missed() -> None:
    measured = {name: value for name, value in MEASURED.items() if name != "sql_exporter.gzip.16.per_second"}
    verdicts = judge(BARS, measured, DAYS)
    (unmeasured,) = (verdict for verdict in verdicts if verdict.value is None)
    assert (unmeasured.bar.what, unmeasured.met, unmeasured.missed) == (THROUGHPUT, False, False)
    assert conclusion(verdicts, counts=True) == f"all measured bars met. Not measured: {THROUGHPUT}"


def test_bars_are_named_for_the_days_that_were_measured() -> None:
    names = [verdict.bar.what for verdict in judge(BARS, {}, SIZES["small"].days)]
    assert "database time per refresh, long history against short (40 days, 1)" in names
    assert "a whole refresh, long history against middle (40 days, 4)" in names
    assert not [name for name in names if "400" in name or "{" in name]


def test_at_a_small_size_a_bar_that_is_missed_is_information() -> None:
    verdicts = judge(BARS, MEASURED | {"ours.memory_mb": 400.0}, SIZES["small"].days)
    said = "for information, as the bars are those of the full size, not met: resident memory"
    assert conclusion(verdicts, counts=False) == said


@pytest.mark.parametrize("sense, met", [(Sense.AT_MOST, True), (Sense.UNDER, False), (Sense.AT_LEAST, True)])
def test_a_value_on_the_limit(sense: Sense, met: bool) -> None:  # noqa: FBT001 - a parameter
    assert Verdict(Bar("", "", sense, 2), 2.0).met is met


def test_nothing_is_worse_than_no_number() -> None:
    assert not Verdict(Bar("", "", Sense.UNDER, 2), math.nan).met


# As many bytes as 100 million calls may take, and the aggregation just half of the build.
MEASURED_LARGE = {
    "large.total_ms": 199.0,
    "ours.memory_mb": 499.0,
    "ours.rollup_bytes_per_call": 2_499_999_999 / 100_000_000,
    "ours.build_s": 400.0,
    "plain.aggregation_s": 200.0,
}
BREAKING_LARGE = [
    {"large.total_ms": 200.0},
    {"ours.memory_mb": 500.0},
    {"ours.rollup_bytes_per_call": 25.0},
    {"plain.aggregation_s": 199.0},
]


def test_a_large_run_that_meets_them_all_says_so() -> None:
    assert conclusion(judge(LARGE, MEASURED_LARGE, {"large": 400}), counts=True) == "all bars met"


@pytest.mark.parametrize("broken", range(len(LARGE)))
def test_each_bar_of_the_large_size_can_fall_short_alone(broken: int) -> None:
    verdicts = judge(LARGE, MEASURED_LARGE | BREAKING_LARGE[broken], {"large": 400})
    assert [place for place, verdict in enumerate(verdicts) if not verdict.met] == [broken]
