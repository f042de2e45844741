"""alertmanager.yml: amtool accepts it, each alert finds its route, and what it names are alerts."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.rules.rulebook import ALERTS, Rule

FILE = ROOT / "alertmanager.yml"
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


def test_notifications_are_grouped_by_quest_and_those_of_no_quest_by_alert() -> None:
    route = CONFIG["route"]
    assert route["group_by"] == ["job", "quest_id"]
    assert [(each["matchers"], each["group_by"]) for each in route["routes"]] == [(['quest_id=""'], ["job", "alertname"])]


def test_only_alerts_that_exist_are_inhibited_and_the_warning_by_the_excess() -> None:
    pairs = {
        (source, target)
        for rule in CONFIG["inhibit_rules"]
        for source in _names(rule["source_matchers"])
        for target in _names(rule["target_matchers"])
    }
    assert {name for pair in pairs for name in pair} <= {alert.name for alert in ALERTS}
    assert ("QuestBudgetExceeded", "QuestBudgetWarning") in pairs
    assert all(
        rule["equal"] == ["job", "quest_id"] for rule in CONFIG["inhibit_rules"] if "Quest" in rule["source_matchers"][0]
    )


def _names(matchers: list[str]) -> list[str]:
    (names,) = (re.fullmatch(r'alertname=~?"([\w|]+)"', matcher) for matcher in matchers)
    assert names
    return names[1].split("|")
