"""The rules: the metrics that they use exist, every alert is complete and documented, and the promtool unit tests pass."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.sections import SECTIONS
from exporter.telemetry import Telemetry
from tests.conftest import ROOT
from tests.rules.rulebook import ALERT_CASES, ALERTS, DEFAULTS, FILES, RECORDED, THRESHOLDS, UNIT_TESTS, Rule

CATALOGUE = {metric.name: metric.labels for section in SECTIONS.values() for metric in section.METRICS}
CATALOGUE |= {metric.name: metric.labels for metric in Telemetry("", "").catalogue()} | {"up": ()}
TARGET = {"job", "instance", "shard"}
MADE_HERE = {"days_ago"}
BY_RECORDING_RULES = {
    "QuestProjectedOverspend": {"resource:budget_long_seconds:threshold"},
    "QuestBurnRateFast": {"resource:budget_long_seconds:threshold"},
    "QuestBurnRateSlow": {"resource:budget_long_seconds:threshold"},
    "ProviderSpendAnomaly": {"resource:provider_anomaly_days:threshold"},
    "ExporterDown": {"resource:shard_removed_seconds:threshold"},
}
"""Thresholds of an alert that its expression does not name."""
RULES = [*THRESHOLDS, *RECORDED, *ALERTS]
SERIES = {rule.name for rule in (*THRESHOLDS, *RECORDED)}

PAGE = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
CHAPTERS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
(UNIT_TEST,) = re.findall(r"^```yaml\n(rule_files:.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)


def _dashboards() -> Iterator[Any]:
    for path in ROOT.glob("grafana/dashboards/*.json"):
        yield json.loads(path.read_text(encoding="utf-8"))


def _run(*command: str | Path) -> None:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.prometheus("promtool")
def test_promtool_accepts_configuration_and_rules() -> None:
    for config in ("prometheus.yml", "deploy/compose/prometheus.yml"):
        _run("promtool", "check", "config", config)
    _run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *FILES)


@pytest.mark.slow
@pytest.mark.prometheus("promtool")
@pytest.mark.parametrize("file", UNIT_TESTS, ids=lambda file: file.name)
def test_unit_tests_of_the_rules_pass(file: Path) -> None:
    _run("promtool", "test", "rules", file)


@pytest.mark.prometheus("promtool")
def test_the_unit_test_on_the_page_passes(tmp_path: Path) -> None:
    file = tmp_path / "budget.yml"
    file.write_text(UNIT_TEST.replace("rules/", f"{ROOT}/rules/"), encoding="utf-8")
    _run("promtool", "test", "rules", file)
    file.write_text(file.read_text(encoding="utf-8").replace("37.4x10", "35.1x10"), encoding="utf-8")
    with pytest.raises(AssertionError, match="QuestBudgetWarning"):
        _run("promtool", "test", "rules", file)


def test_these_are_the_alerts() -> None:
    assert [alert.name for alert in ALERTS] == [
        *("QuestBudgetWarning", "QuestBudgetExceeded", "QuestProjectedOverspend", "QuestBurnRateFast", "QuestBurnRateSlow"),
        *("QuestSpendWithoutBudget", "ProviderSpendAnomaly", "WastedSpendHigh", "EfficiencyCollapsed"),
        *("LedgerDown", "LedgerNotRefreshed", "LedgerStale", "SnapshotStale", "SnapshotMissing", "CollectorFailing"),
        *("SeriesLimitReached", "ReplicasDiffer", "ExporterDown"),
    ]


@every_rule
def test_every_metric_and_label_is_in_the_catalogue_or_recorded(rule: Rule) -> None:
    assert rule.metrics <= CATALOGUE.keys() | SERIES
    known = {(metric, label) for metric, labels in CATALOGUE.items() for label in {*labels, *TARGET}}
    assert {pair for pair in rule.matched_labels if pair[0] in CATALOGUE} <= known
    everything = {label for labels in CATALOGUE.values() for label in labels} | TARGET | MADE_HERE
    assert rule.grouping_labels | {label for _, label in rule.matched_labels} <= everything


@pytest.mark.parametrize("rule", [*THRESHOLDS, *RECORDED], ids=lambda rule: rule.name)
def test_recorded_series_are_named_level_metric_operations_and_used(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z_]+:[a-z][a-z0-9_]*:[a-z0-9_]+", rule.name)
    assert any(rule.name in other.metrics for other in RULES) or any(rule.name in _asked(alert) for alert in ALERTS)


@pytest.mark.parametrize("rule", THRESHOLDS, ids=lambda rule: rule.name)
def test_thresholds_are_numbers_and_documented(rule: Rule) -> None:
    assert re.fullmatch(r"vector\([\d.]+( \* [\d.]+)*\)", rule.expr)
    assert f"`{rule.name}`" in PAGE


@every_alert
def test_alerts_use_thresholds_and_no_literal_numbers(alert: Rule) -> None:
    selected = re.sub(r"\{[^}]*\}|\[[^]]*\]", "", alert.expr)
    numbers = re.findall(r"(?<![\w:.])\d+(?:\.\d+)?", selected)
    assert set(numbers) <= {"0", "1"}  # a state, or a comparison with zero


@pytest.mark.parametrize("rule", [rule for rule in RECORDED if rule.metrics & CATALOGUE.keys()], ids=lambda rule: rule.name)
def test_recording_rules_collapse_replicas_first(rule: Rule) -> None:
    assert rule.name.startswith("instance") or re.search(r"(max|min|group) without \(instance", rule.expr)


def test_no_rule_reads_the_allocation_of_a_day_which_may_be_derived_from_a_longer_budget() -> None:
    assert not [rule.name for rule in RULES if {"resource_quest_allocation_usd", "resource_day_allocation_usd"} & rule.metrics]


@pytest.mark.parametrize("name", ["BudgetWarning", "BudgetExceeded", "ProjectedOverspend", "BurnRateFast", "BurnRateSlow"])
def test_alerts_on_a_budget_have_its_period(name: str) -> None:
    (alert,) = (alert for alert in ALERTS if alert.name == f"Quest{name}")
    periods = {fired["exp_labels"].get("period") for fired in _fired(alert)}
    assert {"day", "month"} <= periods
    assert None not in periods


@every_alert
def test_alerts_collapse_replicas(alert: Rule) -> None:
    for metric in alert.metrics & CATALOGUE.keys():
        assert re.search(rf"(max without \(instance[^)]*\)|absent) ?\((\w+_over_time\()?{metric}", alert.expr)


@every_alert
def test_every_alert_has_severity_annotations_and_links(alert: Rule) -> None:
    assert alert.body["labels"]["severity"] in {"warning", "critical"}
    notes = alert.body["annotations"]
    assert set(notes) == {"summary", "description", "dashboard_url", "runbook_url"}
    assert notes["runbook_url"] == f"{_base('runbooks_url')}#{alert.name.lower()}"
    link = re.fullmatch(rf"{re.escape(_base('dashboards_url'))}/d/([\w-]+)/(?:\?var-(\w+)=.*)?", notes["dashboard_url"])
    assert link
    assert (link[1], link[2]) in {(board["uid"], name) for board in _dashboards() for name in (None, *_variables(board))}


def _base(label: str) -> str:
    """The beginning of a link in an alert: the external label, or the default."""
    return f'{{{{ or $externalLabels.{label} "{DEFAULTS[label]}" }}}}'


def _variables(dashboard: dict[str, Any]) -> list[str]:
    return [variable["name"] for variable in dashboard["templating"]["list"]]


@every_alert
def test_series_queried_in_annotations_are_recorded(alert: Rule) -> None:
    assert _asked(alert) <= SERIES


def _asked(alert: Rule) -> set[str]:
    """The series that the annotations of an alert query."""
    return set(re.findall(r"([\w:]+)\{[^}]*=%q\}", " ".join(alert.body["annotations"].values())))


def test_every_alert_has_a_chapter_and_every_chapter_an_alert() -> None:
    assert list(CHAPTERS) == [alert.name for alert in ALERTS]


@every_alert
def test_the_chapter_of_an_alert_says_what_to_do_and_its_thresholds(alert: Rule) -> None:
    chapter = CHAPTERS[alert.name]
    assert re.findall(r"^- \*\*(.+?)\*\*", chapter, re.MULTILINE) == ["Fires", "Check", "Do"]
    text = " ".join(chapter.split())
    assert f"`{alert.body['labels']['severity']}`" in text
    used = {name for name in alert.metrics if name.endswith(":threshold")}
    used |= BY_RECORDING_RULES.get(alert.name, set())
    assert set(re.findall(r"`(resource:\w+:threshold)`", chapter)) == used
    if "for" in alert.body:
        assert f"for {alert.body['for'].removesuffix('m')} minutes" in text


@pytest.mark.parametrize("rule", THRESHOLDS, ids=lambda rule: f"{rule.name}{rule.body.get('labels', '')}")
def test_the_chapter_of_an_alert_gives_the_value_of_its_threshold(rule: Rule) -> None:
    number = 1.0
    for factor in re.findall(r"[\d.]+", rule.expr):
        number *= float(factor)
    told = {
        "ratio": {f"{100 * number:g} %", f"{number:g}"},
        "usd": {f"{number:g} USD"},
        "seconds": {f"{number / 60:g} minutes", f"{number / 3600:g} hours"},
    }.get(re.sub(r".*_(\w+):threshold", r"\1", rule.name), {f"{number:g}"})
    chapters = [" ".join(text.split()) for text in CHAPTERS.values() if f"`{rule.name}`" in text]
    assert chapters
    for chapter in chapters:
        assert any(re.search(rf"(?<![\d.]){re.escape(value)}(?![\d.]\d)", chapter) for value in told)


@every_alert
def test_every_alert_fires_in_a_unit_test_that_asserts_its_annotations(alert: Rule) -> None:
    assert all(fired["exp_annotations"] for fired in _fired(alert))


@every_alert
def test_the_labels_of_an_alert_are_ids(alert: Rule) -> None:
    names = {name for fired in _fired(alert) for name in fired["exp_labels"]}
    assert names <= {"severity", "job", "shard", "quest_id", "period", "provider", "window", "ledger", "collector"}


@every_alert
def test_only_alerts_about_the_exporter_have_a_shard(alert: Rule) -> None:
    fired = _fired(alert)
    about_exporter = "/d/resource-exporter/" in alert.body["annotations"]["dashboard_url"]
    assert about_exporter or not [each for each in fired if "shard" in each["exp_labels"]]
    assert about_exporter == ("$labels.shard" in alert.body["annotations"]["summary"])


def _fired(alert: Rule) -> list[Any]:
    """The expected firing alerts of this name in all unit tests."""
    fired = [each for case in ALERT_CASES if case["alertname"] == alert.name for each in case["exp_alerts"]]
    assert fired
    return fired
