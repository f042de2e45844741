"""The panels of budgets: their amounts against plain SQL, and the dates against a computation without PromQL."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from tests.conftest import ROOT
from tests.grafana.boards import BOARDS, asked, panels
from tests.grafana.conftest import BUDGETS, Found, Prometheus

TABLE = ("resource-dashboard", "Budgets of this period")
TILE = ("resource-quest", "Used up on")
SPENT = f"""
SELECT quest_id, period,
       (SELECT coalesce(sum(cost_usd), 0) FROM cost_ledger AS costs
         WHERE costs.quest_id = budgets.quest_id AND cost_usd <> 'NaN' AND created_at::date BETWEEN starts_on AND current_date)
  FROM ({BUDGETS}) AS budgets
"""
NOW, END = 10 * 86400, 20 * 86400


class Case(NamedTuple):
    """A budget, in USD; NOW and END are the same for all."""

    name: str
    budget: float
    spent: float
    projected: float | None


CASES = (
    Case("ahead", 8, 2, 14),
    Case("credits", 8, -2, 18),
    Case("spent", 8, 8, 16),
    Case("over", 8, 9, 18),
    Case("even", 8, 4, 8),
    Case("within", 8, 1, 2),
    Case("zero", 0, 1, 2),
    Case("nothing", 0, 0, 0),
    Case("open", 8, 1, None),
    Case("open-over", 8, 9, None),
)


def used_up(case: Case) -> float | None:
    """The Unix time at which nothing is left; 0 if that is past, None if it does not come."""
    if case.spent > case.budget:
        return 0
    if case.projected is None or case.projected <= case.budget:
        return None
    per_day = (case.projected - case.spent) / ((END - NOW) / 86400)
    return NOW + 86400 * (case.budget - case.spent) / per_day


def series() -> Iterator[dict[str, str]]:
    """The series of two replicas."""
    for case in CASES:
        end = None if case.projected is None else END
        values = {
            "usd": case.budget,
            "spend_usd": case.spent,
            "projected_spend_usd": case.projected,
            "end_timestamp_seconds": end,
        }
        for name, value in values.items():
            for instance in ("a", "b") if value is not None else ():
                labels = f'job="fleet",instance="{instance}",quest_id="{case.name}",quest="Q",layer="Forge",period="month"'
                yield {"series": f"resource_quest_budget_{name}{{{labels}}}", "values": f"{value}+0x10"}


def promtool(path: Path, expected: Callable[[Case], tuple[str, list[dict[str, object]]]]) -> None:
    """Check expressions, each with its samples, over the series of the cases."""
    checks = [{"expr": expression, "eval_time": "10d", "exp_samples": samples} for expression, samples in map(expected, CASES)]
    tests = [{"interval": "1d", "input_series": list(series()), "promql_expr_test": checks}]
    path.write_text(json.dumps({"tests": tests}), encoding="utf-8")
    result = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.prometheus("promtool")
def test_the_table_says_when_a_budget_is_used_up(tmp_path: Path) -> None:
    def expected(case: Case) -> tuple[str, list[dict[str, object]]]:
        labels = f'{{job="fleet",quest_id="{case.name}",quest="Q",layer="Forge",period="month"}}'
        moment = used_up(case)
        samples = [] if moment is None else [{"labels": labels, "value": 1000 * moment}]
        return asked(*TABLE, "F", quest=case.name), samples

    promtool(tmp_path / "tests.yml", expected)


@pytest.mark.prometheus("promtool")
def test_the_tile_says_too_that_a_budget_lasts(tmp_path: Path) -> None:
    def expected(case: Case) -> tuple[str, list[dict[str, object]]]:
        moment = used_up(case)
        if moment is None and case.projected is None:
            return asked(*TILE, quest=case.name), []
        return asked(*TILE, quest=case.name), [{"labels": "{}", "value": 1 if moment is None else 1000 * moment}]

    promtool(tmp_path / "tests.yml", expected)


def test_every_panel_says_why_it_is_empty() -> None:
    drawn = [panel for board in BOARDS.values() for panel in panels(board) if "resource_quest_budget_" in str(panel["targets"])]
    said = {panel["title"]: panel["fieldConfig"]["defaults"]["noValue"] for panel in drawn}
    assert len(said) == len(drawn) == 10
    assert all(text.startswith("no data: no ") for text in said.values()), said


def by_budget(found: Found) -> dict[tuple[str, str], float]:
    """The values by quest and period."""
    assert len({(labels["quest_id"], labels["period"]) for labels, _ in found}) == len(found)
    return {(labels["quest_id"], labels["period"]): value for labels, value in found}


@pytest.mark.slow
@pytest.mark.prometheus("prometheus", "promtool")
class TestLive:
    """The panels over the ledger of the other tests."""

    @pytest.mark.parametrize(
        "ref, query", [("A", f"SELECT quest_id, period, budget_usd FROM ({BUDGETS}) AS budgets"), ("B", SPENT)]
    )
    def test_amounts_equal_plain_sql(self, prometheus: Prometheus, ledger: str, ref: str, query: str) -> None:
        with psycopg.connect(ledger) as connection:
            expected = {(quest, period): float(usd) for quest, period, usd in connection.execute(query)}
        found = by_budget(prometheus.now(asked(*TABLE, ref)))
        assert found == pytest.approx(expected, abs=1e-9)

    def test_days_left_count_today(self, prometheus: Prometheus) -> None:
        assert by_budget(prometheus.now(asked(*TABLE, "E"))) == {("q1", "month"): 21, ("q2", "week"): 1, ("q2", "month"): 21}

    def test_used_up_at_the_pace_of_the_days_so_far(self, prometheus: Prometheus) -> None:
        moment = time.time()
        spent, projected, end = (
            by_budget(prometheus.at(moment, f"max without (instance) (resource_quest_budget_{name})"))["q1", "month"]
            for name in ("spend_usd", "projected_spend_usd", "end_timestamp_seconds")
        )
        date = moment + (8 - spent) / ((projected - spent) / (end - moment))
        found = by_budget(prometheus.at(moment, asked(*TABLE, "F")))
        assert found == {("q1", "month"): pytest.approx(1000 * date, abs=10), ("q2", "week"): 0}
        ((_, of_tile),) = prometheus.at(moment, asked(*TILE, quest="q1"))
        assert of_tile == found["q1", "month"]

    def test_query_of_the_documentation(self, prometheus: Prometheus) -> None:
        page = (ROOT / "docs/dashboards.md").read_text(encoding="utf-8")
        (query,) = re.findall(r"^```promql\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        beyond = by_budget(prometheus.now(query))
        assert beyond.keys() == {("q1", "month"), ("q2", "week")}
        assert beyond["q2", "week"] == pytest.approx(0.20 - 0.125)  # today is its last day

    @pytest.mark.parametrize(
        "quest, period, expected", [("q2", "month", [1]), ("q2", "week", [0]), ("q3", "open", []), ("q9", "month", [])]
    )
    def test_tile_of_one_budget(self, prometheus: Prometheus, quest: str, period: str, expected: list[int]) -> None:
        assert [value for _, value in prometheus.now(asked(*TILE, quest=quest, period=period))] == expected
