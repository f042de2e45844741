"""docs/metrics.md lists exactly the metrics of the code, and its queries are valid PromQL."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from docs import generate
from exporter.config import parse
from exporter.sections import SECTIONS
from exporter.telemetry import Telemetry
from tests.conftest import ROOT

PAGE = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(resource_\w+)` \|", re.MULTILINE)
QUERY = re.compile(r"^```promql\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"\bresource_[a-z_]+")

DATA = {metric.name for section in SECTIONS.values() for metric in section.METRICS}
OWN = {metric.name for metric in Telemetry("", "").catalogue()}
HISTOGRAM_SERIES = {"resource_exporter_refresh_duration_seconds" + suffix for suffix in ("_bucket", "_sum", "_count")}


def test_page_is_up_to_date() -> None:
    assert generate.page() == PAGE, "run: make docs"


def test_every_metric_has_one_row_and_every_row_a_metric() -> None:
    assert sorted(ROW.findall(PAGE)) == sorted(DATA | OWN)


@pytest.mark.parametrize("query", QUERY.findall(PAGE))
def test_query_uses_only_metrics_that_exist(query: str) -> None:
    assert set(NAME.findall(query)) <= DATA | OWN | HISTOGRAM_SERIES


@pytest.mark.prometheus("promtool")
def test_queries_are_promql(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(QUERY.findall(PAGE))]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "docs", "rules": rules}]}), encoding="utf-8")
    result = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert f"SUCCESS: {len(rules)} rules found" in result.stdout


@pytest.mark.parametrize(
    "metric, unit",
    [
        ("resource_quest_allocation_usd", "USD"),
        ("resource_top_task_impact_per_usd", "score per USD"),
        ("resource_provider_tokens", "tokens"),
        ("resource_budget_day_elapsed_ratio", "0 to 1"),
    ],
)
def test_unit_is_the_suffix_of_the_name(metric: str, unit: str) -> None:
    assert generate.unit(metric) == unit


def test_name_without_unit_is_refused() -> None:
    with pytest.raises(LookupError, match=r"^resource_things ends in no unit: _impact_per_usd, _usd"):
        generate.unit("resource_things")


def test_configuration_in_the_readme_is_valid() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (config,) = re.findall(r"^```yaml\n(# config\.yml\n.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert set(parse(config, "README.md").ledgers) == {"costs", "impacts", "allocations", "quests"}


def test_check_shows_what_would_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "metrics.md"
    old.write_text(PAGE.replace("# Metrics\n", "# Numbers\n", 1), encoding="utf-8")
    monkeypatch.setattr(generate, "PAGE", old)
    monkeypatch.setattr("sys.argv", ["generate", "--check"])
    assert generate.main() == 1
    assert {"-# Numbers", "+# Metrics"} <= set(capsys.readouterr().out.splitlines())
