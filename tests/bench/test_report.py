"""The report says what was measured, what was not, and ends with the verdict."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from bench.bars import BARS, LARGE, Bar
from bench.report import Report, number
from bench.sizes import SIZES
from bench.verdicts import judge

MEASURED = {"long.database_ms": 2.0, "plain.database_ms": 4000.0, "query-exporter.all_time.database_ms": 5000.0}
PLAIN = "database time per refresh against the same questions as plain SQL"


def _report(size: str, **measured: float) -> Report:
    found = MEASURED | {name.replace("__", "."): value for name, value in measured.items()}
    return Report(size, {"memory": "8 GB"}, found, judge(SIZES[size].bars, found, SIZES[size].days))


def _every(bars: Iterable[Bar]) -> dict[str, float]:
    """A figure for everything that the bars ask for."""
    return {name.replace(".", "__"): 1.0 for bar in bars for name in (bar.measurement, bar.against) if name}


def test_numbers_keep_three_digits() -> None:
    assert [number(value) for value in (12345.6, 99.94, 0.25, 0.00025, 0)] == ["12,346", "99.9", "0.25", "0.00025", "0.00000"]


def test_the_page_and_the_json(tmp_path: Path) -> None:
    _report("full", short__database_ms=1.0).write(tmp_path / "RESULTS.md")
    page = (tmp_path / "RESULTS.md").read_text()
    assert f"| {PLAIN} | 1/2,000 | at most 1/1,500 | yes |" in page
    assert "| database time per refresh, long history against short (400 days, 4) | 2 x | at most 1.2 x | NO |" in page
    assert "| query-exporter, all time | 5,000 | 2,500 |  |  |" in page
    assert "| memory | 8 GB |" in page
    assert page.splitlines()[-1].startswith(
        "falls short: database time per refresh, long history against short (400 days, 4). "
    )
    document = json.loads((tmp_path / "RESULTS.json").read_text())
    assert document["measurements"] == MEASURED | {"short.database_ms": 1.0}
    assert document["bars"][0] == {"bar": PLAIN, "value": 0.0005, "limit": 1 / 1500, "met": True}
    assert document["bars"][14] == {"bar": "a scrape, plain (median, 1 connection)", "value": None, "limit": 0.5, "met": None}


def test_what_a_missing_peer_leaves_out_is_not_measured() -> None:
    page = _report("full").markdown()
    throughput = "throughput of scrapes, gzip as Prometheus asks, 16 connections, against sql_exporter"
    assert f"| {throughput} | not measured | at least 150 x |  |" in page
    assert "| sql_exporter, last 30 days | not measured |  |  |  |" in page
    assert "| sql_exporter | gzip | 16 | not measured |  |  |" in page


@pytest.mark.parametrize(
    "size, plain_ms, failed",
    [("full", 4000.0, False), ("full", 1000.0, True), ("small", 1000.0, False)],
    ids=["met, others not measured", "missed", "missed at a small size"],
)
def test_only_a_bar_that_is_missed_at_the_full_size_fails_the_run(size: str, plain_ms: float, failed: bool) -> None:  # noqa: FBT001 - a parameter
    assert _report(size, plain__database_ms=plain_ms).failed is failed


def test_at_a_small_size_the_page_says_that_a_miss_is_information() -> None:
    page = _report("small", plain__database_ms=1000.0).markdown()
    assert f"| {PLAIN} | 1/500 | at most 1/1,500 | no, for information |" in page


def test_rows_stand_beside_the_refresh_that_fetched_them() -> None:
    page = _report("full", rate_1m__render_ms=3.0, rate_1m__rows_per_change=2.0, rate_1m__plain_day_ms=1327.0).markdown()
    assert "| rate_1m |  |  |  |  | 3 |  | 2 |" in page
    assert "| `rate_1m.plain_day_ms` | 1,327 |" in page
    assert "| rows fetched per changed row, inserts at 1 M rows a day | 2 rows | at most 3 rows | yes |" in page


def test_what_no_other_table_has_stands_in_the_last() -> None:
    rest = _report("full", text_ids__late_row_s=40.0, ours__gzip__1__p50_ms=0.1).markdown().partition("## Our exporter, and")[2]
    assert "| `text_ids.late_row_s` | 40 |" in rest
    assert "`ours.gzip.1.p50_ms`" not in rest


@pytest.mark.parametrize(
    "size, measured, page",
    [
        ("full", _every(BARS), "RESULTS.md"),
        ("full", _every(BARS[:-1]), "RESULTS-local.md"),
        ("small", _every(BARS), "RESULTS-local.md"),
        ("large", _every(LARGE), "RESULTS-large.md"),
        ("large", _every(LARGE[:-1]), "RESULTS-local.md"),
    ],
    ids=["full", "full, a bar not measured", "small", "large", "large, a bar not measured"],
)
def test_only_a_run_that_measured_every_bar_is_published(size: str, measured: dict[str, float], page: str) -> None:
    assert _report(size, **measured).page == page


def test_the_large_size_has_bars_of_its_own_and_no_peers() -> None:
    report = _report("large", large__total_ms=210.0, large__render_ms=20.0, ours__rollup_bytes_per_call=24.9)
    page = report.markdown()
    assert "| a whole refresh, wall clock | 210 ms | under 200 ms | NO |" in page
    assert "| the rollup file, for each call | 24.9 bytes | under 25 bytes | yes |" in page
    assert "sql_exporter" not in page
    assert report.failed
