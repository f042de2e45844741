"""Every query of every panel and variable, run in a real Prometheus that scrapes the real exporter."""

import re

import psycopg
import pytest

from tests.grafana.boards import Asked, asked, filled, queries, variable_queries
from tests.grafana.conftest import Found, Prometheus

pytestmark = [pytest.mark.prometheus("prometheus", "promtool"), pytest.mark.slow]

MAY_BE_EMPTY = {
    ("Allocation of today, by quest", "B"): "there are fewer than nine quests, so nothing is left for Other",
    ("Where the money goes, last 30 days", "B"): "there are fewer than nine quests, so nothing is left for Other",
    ("Spend without a budget, by quest", "A"): "every quest that spends has a budget",
    ("Budget against spend, by day", "B"): "no day is over budget",
    ("Firing alerts", "A"): "no rules are loaded",
    ("End of the day", "A"): "absent in the first half hour of the day",
    ("Data as of", "B"): "the data are not old",
    ("Data as of", "C"): "the exporter is up",
    ("Spent this month", "A"): "on the 31st, the timeline of 30 days does not have the 1st",
    ("Spent last month", "A"): "the timeline of 30 days does not have the whole month",
    ("Used this month", "A"): "on the 31st, the timeline of 30 days does not have the 1st",
    ("Impact 30 days ago", "A"): "Prometheus was started just now",
}

TODAY = "created_at >= date_trunc('day', now()) AND created_at < date_trunc('day', now()) + interval '1 day'"
MONTH = (
    "created_at >= date_trunc('day', now()) - interval '29 days' AND created_at < date_trunc('day', now()) + interval '1 day'"
)
TASKS = f"""
    SELECT task_id, sum(cost_usd) AS usd, sum(total_tokens) AS tokens, sum(impact_score) AS impact
      FROM impact_ledger WHERE {MONTH} GROUP BY task_id
"""
WASTED = f"FROM ({TASKS}) AS tasks WHERE tokens > 1000 AND coalesce(impact, 0) <= 0.5"
PLAIN_SQL = {
    "Allocated today": "SELECT sum(allocated_usd) FROM quest_budget_allocations WHERE day = current_date",
    "Spent today": f"SELECT sum(cost_usd) FROM cost_ledger WHERE {TODAY} AND cost_usd <> 'NaN'",
    "Impact per $1": f"SELECT sum(impact) / sum(usd) FROM ({TASKS}) AS tasks",
    "USD wasted, $window": f"SELECT sum(usd) {WASTED}",
    "Tokens wasted, $window": f"SELECT sum(tokens) {WASTED}",
    "Tasks wasted, $window": f"SELECT count(*) {WASTED}",
    "Over budget": f"""
        SELECT count(*) FROM quest_budget_allocations WHERE day = current_date AND allocated_usd <
               (SELECT sum(cost_usd) FROM cost_ledger WHERE {TODAY} AND quest_id = quest_budget_allocations.quest_id)""",
    "Budget used": f"""
        SELECT (SELECT sum(cost_usd) FROM cost_ledger WHERE {TODAY})
             / (SELECT sum(allocated_usd) FROM quest_budget_allocations WHERE day = current_date)""",
}
BY_DAY = {
    "AB": f"SELECT created_at::date::text, sum(cost_usd) FROM cost_ledger WHERE {MONTH} GROUP BY 1",
    "C": """SELECT day::text, sum(allocated_usd) FROM quest_budget_allocations
             WHERE day BETWEEN current_date - 29 AND current_date GROUP BY 1""",
}
BY_PROVIDER = f"""
    SELECT CASE provider WHEN 'minimax' THEN 'MiniMax' WHEN 'aws-bedrock' THEN 'Bedrock' ELSE 'GLM' END, sum(cost_usd)
      FROM cost_ledger WHERE {MONTH} GROUP BY 1
"""

CHOICES = {
    "quest": {"Literature triage", 'Peer "review"'},
    "window": {"1d", "7d", "30d", "lifetime"},
    "period": {"week", "month", "open"},
}


def by(label: str, found: Found) -> dict[str, float]:
    """The nonzero values by one label."""
    return {labels[label]: value for labels, value in found if value}


@pytest.mark.parametrize("query", queries(), ids=str)
def test_query_finds_something(prometheus: Prometheus, query: Asked) -> None:
    ask = prometheus.now if query.instant else prometheus.lately
    found = ask(filled(query.expression))
    if query.expression.startswith("label_replace(absent("):
        assert not found, "it would say that there are no data"
    else:
        assert found or (query.panel, query.ref) in MAY_BE_EMPTY


def test_the_reason_for_absent_rows_is_found(prometheus: Prometheus) -> None:
    query = asked("resource-dashboard", "Budgets of this period", "G", quest="nobody")
    ((labels, _),) = prometheus.now(query)
    assert labels == {"Note": "no data: no budget of a period longer than a day (see the ledger budgets), or exporter down"}


@pytest.mark.parametrize("board, variable, query", variable_queries())
def test_variable_has_choices(prometheus: Prometheus, board: str, variable: str, query: str) -> None:
    kind, inner = re.fullmatch(r"(label_values|query_result)\((.*)\)", filled(query)).groups()  # type: ignore[union-attr]
    if kind == "query_result":
        assert {labels[variable] for labels, _ in prometheus.now(inner)} >= CHOICES[variable]
    else:
        series, label = inner.rsplit(", ", 1)
        assert prometheus.ask(f"label/{label}/values", **{"match[]": series})


@pytest.mark.parametrize("panel", PLAIN_SQL)
def test_number_equals_plain_sql(prometheus: Prometheus, ledger: str, panel: str) -> None:
    with psycopg.connect(ledger) as connection:
        (expected,) = connection.execute(PLAIN_SQL[panel]).fetchone() or (None,)
    ((_, value),) = prometheus.now(asked("resource-dashboard", panel))
    assert expected is not None
    assert value == pytest.approx(float(expected), abs=1e-9)


@pytest.mark.parametrize("refs", BY_DAY)
def test_timeline_equals_plain_sql(prometheus: Prometheus, ledger: str, refs: str) -> None:
    with psycopg.connect(ledger) as connection:
        expected = {day: float(usd) for day, usd in connection.execute(BY_DAY[refs]) if usd}
    timeline = "resource-dashboard", "Budget against spend, by day"
    found = [series for ref in refs for series in prometheus.now(asked(*timeline, ref))]
    assert len(found) == 30
    assert by("day", found) == pytest.approx(expected, abs=1e-9)


def test_spend_by_provider_equals_plain_sql(prometheus: Prometheus, ledger: str) -> None:
    with psycopg.connect(ledger) as connection:
        expected = {provider: float(usd) for provider, usd in connection.execute(BY_PROVIDER)}
    found = prometheus.now(asked("resource-dashboard", "Spend by provider, $window"))
    assert by("provider", found) == pytest.approx(expected, abs=1e-9)


def test_rankings_equal_plain_sql(prometheus: Prometheus, ledger: str) -> None:
    with psycopg.connect(ledger) as connection:
        best = connection.execute(
            f"SELECT task_id, impact / usd FROM ({TASKS}) AS tasks WHERE usd > 0 AND impact > 0"
        ).fetchall()
        worst = connection.execute(f"SELECT task_id, tokens {WASTED}").fetchall()
    efficient = prometheus.now(asked("resource-dashboard", "Where a dollar did most, $window"))
    wasteful = prometheus.now(asked("resource-dashboard", "Most wasteful tasks, $window"))
    assert by("task_id", efficient) == pytest.approx({task: float(ratio) for task, ratio in best})
    assert by("task_id", wasteful) == {task: float(tokens) for task, tokens in worst}
