"""The first tile, and the table of alerts, over given series."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.grafana.boards import asked

pytestmark = pytest.mark.prometheus("promtool")
Check = tuple[str, str, list[dict[str, Any]]]
"""An expression, the moment at which it is evaluated, and the samples that are expected."""
READ = "resource_exporter_collector_last_success_timestamp_seconds"


def written(**labels: str) -> str:
    """Labels in braces."""
    return f"{{{','.join(f'{label}={json.dumps(value)}' for label, value in labels.items() if value)}}}"


def series(name: str, values: str, **labels: str) -> dict[str, str]:
    """A series of test samples."""
    return {"series": name + written(**labels), "values": values}


def evaluate(path: Path, given: list[dict[str, str]], checks: list[Check], interval: str = "1m") -> None:
    """Check expressions over series with one sample per interval."""
    tests = [{"expr": expression, "eval_time": moment, "exp_samples": samples} for expression, moment, samples in checks]
    case = {"interval": interval, "input_series": given, "promql_expr_test": tests}
    content = {"evaluation_interval": interval, "tests": [case]}  # promtool steps through the time even without rules
    path.write_text(json.dumps(content), encoding="utf-8")
    result = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def tile(moment: str, *, up: int | None = None, old: int | None = None, down: int | None = None) -> list[Check]:
    """What each of the three queries of the tile finds at a moment."""
    return [
        (asked("resource-exporter", "Data as of", ref), moment, [] if value is None else [{"labels": "{}", "value": value}])
        for ref, value in zip("ABC", (up, old, down), strict=True)
    ]


def test_data_of_a_running_exporter_get_old(tmp_path: Path) -> None:
    """Two replicas: one of them is enough. Two sections: the one that lags behind counts."""
    given = [
        series("up", "1x20", job="fleet", instance="a"),
        series("up", "0x20", job="fleet", instance="b"),
        series(READ, "0+60x20", job="fleet", instance="a", collector="waste"),
        series(READ, "0+60x10 600x10", job="fleet", instance="a", collector="spend"),
    ]
    checks = [*tile("10m", up=600_000), *tile("11m", up=600_000), *tile("13m", old=600_000)]
    evaluate(tmp_path / "tests.yml", given, checks)


@pytest.mark.parametrize("after", ["0x1500", "_x1500"], ids=["down", "gone"])
def test_a_stopped_exporter_was_last_seen(tmp_path: Path, after: str) -> None:
    given = [
        series("up", f"1x9 {after}", job="fleet", instance="a"),
        series(READ, "0+60x9 stale", job="fleet", instance="a", collector="spend"),
    ]
    evaluate(tmp_path / "tests.yml", given, [*tile("16m", down=540_000), *tile("24h", down=540_000), *tile("25h")])


def test_of_two_jobs_one_that_is_down_is_seen(tmp_path: Path) -> None:
    given = [
        series("up", "1x9", job="one", instance="a"),
        series("up", "0x9", job="two", instance="a"),
        series(READ, "0+60x9", job="one", instance="a", collector="spend"),
    ]
    evaluate(tmp_path / "tests.yml", given, tile("9m", down=540_000))


def test_of_two_shards_one_that_is_down_is_seen(tmp_path: Path) -> None:
    """Of a shard whose targets have disappeared, there is no ``up``."""
    given = [
        *(series("up", "1x20", job="fleet", instance=instance) for instance in "ab"),
        series("resource_exporter_build_info", "1x20", job="fleet", instance="a", shard="eu"),
        series(READ, "0+60x20", job="fleet", instance="a", shard="eu", collector="spend"),
        series("resource_exporter_build_info", "1x9 stale", job="fleet", instance="b", shard="us"),
        series(READ, "0+60x9 stale", job="fleet", instance="b", shard="us", collector="spend"),
        series(READ, "60+60x9 stale", job="fleet", instance="c", shard="us", collector="spend"),
    ]
    evaluate(tmp_path / "tests.yml", given, [*tile("9m", up=540_000), *tile("16m", down=600_000)])


def alert(name: str, **labels: str) -> list[dict[str, str]]:
    """An alert that has been active since the fifth minute."""
    labels |= {"alertname": name, "severity": "warning"}
    return [series("ALERTS_FOR_STATE", "300x10", **labels), series("ALERTS", "1x10", alertstate="firing", **labels)]


GIVEN = [
    *alert("Quest", job="fleet", quest_id="q1", period="month"),
    *alert("OtherQuest", job="fleet", quest_id="q2", period="day"),
    *alert("Provider", job="fleet", provider="Codex"),
    *alert("Ledger", job="fleet", ledger="costs"),
    *alert("Shard", job="fleet", shard="eu"),
    *alert("OtherJob", job="others", ledger="costs"),
]
ROWS = {
    "Quest": ("q1", "month    "),
    "OtherQuest": ("q2", "day    "),
    "Provider": ("", " Codex   "),
    "Ledger": ("", "  costs  "),
    "Shard": ("", "    eu"),
}


@pytest.mark.parametrize(
    "uid, quest, names",
    [
        ("resource-dashboard", ".+", {"Quest", "OtherQuest", "Provider", "Ledger", "Shard"}),
        ("resource-dashboard", "(q1|q3)", {"Quest", "Provider", "Ledger", "Shard"}),
        ("resource-quest", "q1", {"Quest", "Ledger", "Shard"}),
        ("resource-exporter", ".+", {"Ledger", "Shard"}),
    ],
)
def test_alerts_on_the_chosen_quests_and_on_the_exporter(tmp_path: Path, uid: str, quest: str, names: set[str]) -> None:
    labels = {
        name: {"alertname": name, "severity": "warning", "quest_id": ROWS[name][0], "about": ROWS[name][1]} for name in names
    }
    samples = [{"labels": written(**each), "value": 300} for each in labels.values()]
    query = asked(uid, "Firing alerts", quest=quest, job="fleet")
    evaluate(tmp_path / "tests.yml", GIVEN, [(query, "10m", samples)])
