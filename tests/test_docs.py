"""The pages say what the code says: every metric and flag, valid queries and rules, and versions that are tested."""

import argparse
import json
import re
import subprocess
import tomllib
from collections import defaultdict
from pathlib import Path

import psycopg
import pytest

from docs import generate
from exporter.cli import _parser
from exporter.sections import SECTIONS
from exporter.telemetry import Telemetry
from tests import blocks
from tests.conftest import ROOT

PAGE = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(resource_\w+)` \|", re.MULTILINE)
QUERIES = [block.text for block in blocks.of("promql")]
COMPATIBILITY = (ROOT / "docs/compatibility.md").read_text(encoding="utf-8")
NAME = re.compile(r"\bresource_[a-z_]+")

DATA = {metric.name for section in SECTIONS.values() for metric in section.METRICS}
OWN = {metric.name for metric in Telemetry("", "").catalogue()}
HISTOGRAM_SERIES = {"resource_exporter_refresh_duration_seconds" + suffix for suffix in ("_bucket", "_sum", "_count")}


def test_page_is_up_to_date() -> None:
    assert generate.page() == PAGE, "run: make docs"


def test_every_metric_has_one_row_and_every_row_a_metric() -> None:
    assert sorted(ROW.findall(PAGE)) == sorted(DATA | OWN)


@pytest.mark.parametrize("query", QUERIES)
def test_query_uses_only_metrics_that_exist(query: str) -> None:
    assert set(NAME.findall(query)) <= DATA | OWN | HISTOGRAM_SERIES


@pytest.mark.prometheus("promtool")
def test_queries_are_promql(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(QUERIES)]
    _check_rules(tmp_path / "rules.yml", json.dumps({"groups": [{"name": "docs", "rules": rules}]}), len(rules))


def _check_rules(path: Path, text: str, count: int) -> None:
    """Let promtool check a file of rules, and count them."""
    path.write_text(text, encoding="utf-8")
    result = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert f"SUCCESS: {count} rules found" in result.stdout


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


def test_check_shows_what_would_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "metrics.md"
    old.write_text(PAGE.replace("# Metrics\n", "# Numbers\n", 1), encoding="utf-8")
    monkeypatch.setattr(generate, "PAGE", old)
    monkeypatch.setattr("sys.argv", ["generate", "--check"])
    assert generate.main() == 1
    assert {"-# Numbers", "+# Metrics"} <= set(capsys.readouterr().out.splitlines())


def test_every_flag_is_documented_with_its_commands_and_default() -> None:
    (commands,) = (each.choices for each in _parser()._actions if isinstance(each, argparse._SubParsersAction))
    known: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for name, parser in commands.items():
        for flag in (each for each in parser._actions if each.option_strings and each.dest != "help"):
            known[flag.option_strings[0]][0].add(name)
            known[flag.option_strings[0]][1].update({str(flag.default)} - {"None"})
    page = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(--[a-z.-]+)` \| ([^|]+) \| ([^|]+) \|", page, re.MULTILINE)
    documented = {
        flag: (set(commands) - {"completion"} if users == "all" else _codes(users), _codes(default) - set(commands))
        for flag, users, default in rows
    }
    assert documented == known


def _codes(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def _tested(component: str) -> str:
    """The cell of the tested versions of a component."""
    (cell,) = re.findall(rf"^\| {component} \|[^|]*\| ([^|]+) \|", COMPATIBILITY, re.MULTILINE)
    return str(cell)


def test_the_tested_versions_of_python_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tested = re.findall(r"Python :: (\d\.\d+)", " ".join(project["classifiers"]))
    assert _tested("Python").split(", ") == tested
    assert project["requires-python"] == f">={tested[0]}"


def test_the_version_of_postgresql_under_test_is_listed(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        assert f"{connection.info.server_version // 10000} (" in _tested("PostgreSQL")
