"""The report says what was measured, what was not, and ends with the verdict."""

import json
from pathlib import Path

from bench.bars import judge
from bench.report import Report, number


def test_numbers_keep_three_digits() -> None:
    assert [number(value) for value in (12345.6, 99.94, 0.25, 0.00025, 0)] == ["12,346", "99.9", "0.25", "0.00025", "0.00000"]


def test_the_page_and_the_json(tmp_path: Path) -> None:
    measured = {"long.database_ms": 10.0, "plain.database_ms": 4000.0, "query-exporter.all_time.database_ms": 5000.0}
    report = Report("small", {"sql_exporter": "left out: not installed"}, measured, judge(measured))
    report.write(tmp_path / "RESULTS.md")
    page = (tmp_path / "RESULTS.md").read_text()
    assert "| database time per refresh against the same questions as plain SQL | 1/400 | at most 1/200 | yes |" in page
    assert "| query-exporter, all time | 5,000 | 500 |  |  |" in page
    assert "| sql_exporter | left out: not installed |" in page
    assert page.splitlines()[-1].startswith("falls short: ")
    document = json.loads((tmp_path / "RESULTS.json").read_text())
    assert document["measurements"] == measured
    assert document["bars"][0] == {
        "bar": "database time per refresh against the same questions as plain SQL",
        "value": 0.0025,
        "limit": 0.005,
        "met": True,
    }
