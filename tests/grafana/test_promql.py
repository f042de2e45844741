"""The queries: they parse, use metrics and labels that exist, and follow the rules for the metrics."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.grafana.boards import (
    ALERTS,
    CATALOGUE,
    COUNTERS,
    DATA,
    HISTOGRAM,
    MATCHER,
    SELECTOR,
    Asked,
    filled,
    queries,
    variable_queries,
)

RATE = re.compile(r"\b(rate|increase)\((\w+)\{[^}]*\}\[(.*?)\]\)")
GROUPED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right) \(([\w, ]*)\)")
ONCE = re.compile(r"max without \(instance(?:, window)?\) \((?:(?:last|min|max)_over_time\()?$")
ADDED = re.compile(r"sum (?:without \(shard\)|by \([\w, ]*job, shard\)) \(\(?max without \([\w, ]+\) \([\w(]*$")
NOT_ADDED = re.compile(r"max without \(shard\) \(max without \([\w, ]+\) \([\w(]*$")
SAME_IN_ALL_SHARDS = {
    "resource_budget_day_elapsed_ratio",
    "resource_quest_budget_elapsed_ratio",
    "resource_quest_budget_end_timestamp_seconds",
    "resource_top_task_impact_per_usd",
}
MADE = re.compile(r'"(month|more|about|quest)"')
"""Labels that a query makes itself."""

each_query = pytest.mark.parametrize("asked", queries(), ids=str)


@pytest.mark.prometheus("promtool")
def test_queries_are_promql(tmp_path: Path) -> None:
    expressions = [filled(asked.expression) for asked in queries()]
    rules = [{"record": f"query:{number}", "expr": expression} for number, expression in enumerate(expressions)]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboards", "rules": rules}]}), encoding="utf-8")
    result = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert f"SUCCESS: {len(rules)} rules found" in result.stdout


@each_query
def test_selectors_are_filtered_by_job_and_instance(asked: Asked) -> None:
    for name, matchers in SELECTOR.findall(asked.expression):
        if name in ALERTS:  # created by Prometheus from rules that collapse the instances
            assert matchers.startswith('job=~"$job"'), asked.expression
        else:
            assert matchers.startswith('job=~"$job",instance=~"$instance"'), asked.expression


@each_query
def test_names_and_labels_exist(asked: Asked) -> None:
    found = SELECTOR.findall(asked.expression)
    assert found
    for name, matchers in found:
        labels = {label for label, _, _ in MATCHER.findall(matchers)}
        assert labels <= CATALOGUE[name] | {"job", "instance", "shard"}, name
    known = {"job", "instance", "shard"}.union(*(CATALOGUE[name] for name, _ in found))
    used = {label for group in GROUPED.findall(asked.expression) for label in re.split(r", ?", group) if label}
    made = set(MADE.findall(asked.expression))
    assert used | set(re.findall(r"\{\{(\w+)\}\}", asked.legend)) <= known | made


@each_query
def test_every_metric_has_a_selector(asked: Asked) -> None:
    bare = re.sub(r"\{.*?\}", "{}", asked.expression)
    named = set(re.findall(r"\b((?:resource|process|scrape)_\w+)", bare))
    assert named == {name for name in re.findall(r"\b(\w+)\{\}", bare) if name.startswith(("resource", "process", "scrape"))}


@each_query
def test_replicas_are_never_added_up(asked: Asked) -> None:
    for found in SELECTOR.finditer(asked.expression):
        if found[1] in DATA and found[1] != "resource_report_info":
            assert ONCE.search(asked.expression[: found.start()]), asked.expression


@each_query
def test_shards_are_added_up_unless_they_are_the_same(asked: Asked) -> None:
    for found in SELECTOR.finditer(asked.expression):
        if found[1] in DATA and found[1] != "resource_report_info":
            how = NOT_ADDED if found[1] in SAME_IN_ALL_SHARDS else ADDED
            assert how.search(asked.expression[: found.start()]), asked.expression


@each_query
def test_one_window_is_selected(asked: Asked) -> None:
    for name, matchers in SELECTOR.findall(asked.expression):
        if "window" in CATALOGUE[name]:
            windows = [(operator, value) for label, operator, value in MATCHER.findall(matchers) if label == "window"]
            fixed = "30d" if asked.board == "resource-month" else "1d"
            assert windows in ([("=", "$window")], [("=", fixed)]), asked.expression


@each_query
def test_rate_is_used_for_counters_only(asked: Asked) -> None:
    rated = RATE.findall(asked.expression)
    assert all(span == "$__rate_interval" for _, _, span in rated)
    counters = COUNTERS | HISTOGRAM.keys()
    assert {name for _, name, _ in rated} == {name for name, _ in SELECTOR.findall(asked.expression) if name in counters}


@each_query
def test_rankings_are_instant_queries(asked: Asked) -> None:
    if re.search(r"resource_(top|wasted)_task_", asked.expression):
        assert asked.instant
    if not asked.instant and "topk" in asked.expression:
        highest = r"sum without \(shard\) \(max without \([\w, ]+\) \(max_over_time\([^[]*\[\$__range\] @ end\(\)\)"
        constant = rf"topk\(10, sum by \([\w, ]+\) \({highest}"
        assert len(re.findall(constant, asked.expression)) == asked.expression.count("topk")


@each_query
def test_graphs_neither_extrapolate_nor_mix_two_days(asked: Asked) -> None:
    assert not re.search(r"\b(delta|deriv|predict_linear)\(|max_over_time\([^[]*\[\$__(rate_)?interval\]", asked.expression)


def test_every_data_metric_is_drawn() -> None:
    drawn = {name for asked in queries() for name, _ in SELECTOR.findall(asked.expression)}
    assert DATA.keys() - drawn == set()


@pytest.mark.parametrize("board, variable, query", variable_queries())
def test_variables_query_labels_that_exist(board: str, variable: str, query: str) -> None:
    if variable == "job":  # no filter comes before it
        assert query == "label_values(resource_exporter_build_info, job)"
        return
    ((name, matchers),) = SELECTOR.findall(query)
    assert name in CATALOGUE
    assert matchers.startswith('job=~"$job"')
    assert variable == "instance" or 'instance=~"$instance"' in matchers
