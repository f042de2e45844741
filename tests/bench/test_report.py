"""The report says what was measured, what was not, and ends with the verdict."""

import json
from pathlib import Path

import pytest

from bench.bars import judge
from bench.report import Report, number
from bench.sizes import SIZES

MEASURED = {"long.database_ms": 10.0, "plain.database_ms": 4000.0, "query-exporter.all_time.database_ms": 5000.0}
PLAIN = "database time per refresh against the same questions as plain SQL"


def _report(size: str, **measured: float) -> Report:
    found = MEASURED | {name.replace("__", "."): value for name, value in measured.items()}
    return Report(size, {"memory": "8 GB"}, found, judge(found, SIZES[size].days))


def test_numbers_keep_three_digits() -> None:
    assert [number(value) for value in (12345.6, 99.94, 0.25, 0.00025, 0)] == ["12,346", "99.9", "0.25", "0.00025", "0.00000"]


def test_the_page_and_the_json(tmp_path: Path) -> None:
    _report("full", short__database_ms=5.0).write(tmp_path / "RESULTS.md")
    page = (tmp_path / "RESULTS.md").read_text()
    assert f"| {PLAIN} | 1/400 | at most 1/200 | yes |" in page
    assert "| database time per refresh, long history against short (400 days, 4) | 2 x | at most 1.3 x | NO |" in page
    assert "| query-exporter, all time | 5,000 | 500 |  |  |" in page
    assert "| memory | 8 GB |" in page
    assert page.splitlines()[-1].startswith(
        "falls short: database time per refresh, long history against short (400 days, 4). "
    )
    document = json.loads((tmp_path / "RESULTS.json").read_text())
    assert document["measurements"] == MEASURED | {"short.database_ms": 5.0}
    assert document["bars"][0] == {"bar": PLAIN, "value": 0.0025, "limit": 0.005, "met": True}
    assert document["bars"][5] == {"bar": "a scrape, plain (median, 1 connection)", "value": None, "limit": 2, "met": None}


def test_what_a_missing_peer_leaves_out_is_not_measured() -> None:
    page = _report("full").markdown()
    throughput = "throughput of scrapes, gzip as Prometheus asks, 16 connections, against sql_exporter"
    assert f"| {throughput} | not measured | at least 50 x |  |" in page
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
    assert f"| {PLAIN} | 1/100 | at most 1/200 | no, for information |" in page
