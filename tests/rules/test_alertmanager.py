"""alertmanager.yml: amtool accepts it, each alert has a route, and the alerts that it names exist."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.rules.rulebook import ALERT_CASES, ALERTS, Rule

FILE = ROOT / "alertmanager.yml"
LABELS = {case["alertname"]: set(fired["exp_labels"]) for case in ALERT_CASES for fired in case["exp_alerts"]}
CONFIG: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))


def _amtool(*arguments: str) -> str:
    result = subprocess.run(["amtool", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.prometheus("amtool")
def test_amtool_accepts_it() -> None:
    assert "SUCCESS" in _amtool("check-config", str(FILE))


@pytest.mark.prometheus("amtool")
@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_reaches_the_webhook(alert: Rule) -> None:
    labels = [f"alertname={alert.name}", f"severity={alert.body['labels']['severity']}", "job=resource-exporter"]
    for more in ([], ["quest_id=q1"]):
        assert _amtool("config", "routes", "test", f"--config.file={FILE}", *labels, *more).strip() == "webhook"


def test_notifications_are_grouped_by_quest_and_others_by_alert() -> None:
    route = CONFIG["route"]
    assert route["group_by"] == ["job", "quest_id"]
    assert [(each["matchers"], each["group_by"]) for each in route["routes"]] == [(['quest_id=""'], ["job", "alertname"])]


def test_inhibition_rules_name_alerts_that_exist() -> None:
    pairs = {
        (source, target)
        for rule in CONFIG["inhibit_rules"]
        for source in _names(rule["source_matchers"])
        for target in _names(rule["target_matchers"])
    }
    assert {name for pair in pairs for name in pair} <= {alert.name for alert in ALERTS}
    assert {("QuestBudgetExceeded", "QuestBudgetWarning"), ("LedgerDown", "LedgerNotRefreshed")} <= pairs
    assert all(
        rule["equal"] == ["job", "quest_id", "period"]
        for rule in CONFIG["inhibit_rules"]
        if "Quest" in rule["source_matchers"][0]
    )


@pytest.mark.parametrize("rule", CONFIG["inhibit_rules"], ids=lambda rule: rule["source_matchers"][0])
def test_an_alert_is_inhibited_only_by_one_with_the_same_ids(rule: dict[str, Any]) -> None:
    """Both alerts must have every label of ``equal``: with a label that only one of them has, the rule never applies.

    Without shards, neither has the label ``shard``, which Alertmanager takes for equal.
    """
    for name in (*_names(rule["source_matchers"]), *_names(rule["target_matchers"])):
        assert set(rule["equal"]) - {"shard"} <= LABELS[name], name


def test_an_alert_about_an_exporter_is_inhibited_only_by_one_of_the_same_shard() -> None:
    assert all(("shard" in rule["equal"]) == ("Quest" not in rule["source_matchers"][0]) for rule in CONFIG["inhibit_rules"])


def _names(matchers: list[str]) -> list[str]:
    (names,) = (re.fullmatch(r'alertname=~?"([\w|]+)"', matcher) for matcher in matchers)
    assert names
    return names[1].split("|")
