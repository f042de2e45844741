"""Two shards with two replicas each give the same dashboards, recorded series and alerts as one exporter over everything."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.conftest import ROOT, SCHEMA
from tests.end_to_end.process import serving
from tests.grafana.boards import SELECTOR, Asked, filled, queries
from tests.grafana.conftest import Found, Prometheus, scraping
from tests.grafana.test_live import MAY_BE_EMPTY
from tests.rules.rulebook import RECORDED

pytestmark = [pytest.mark.prometheus("prometheus"), pytest.mark.slow]

LEDGER = Path(__file__).parent / "sharded.sql"
SHARDS, WHOLE = "resource-exporter", "whole"
BUDGETS = """\
SELECT 'q1' AS quest_id, {share} * 300 AS budget_usd, current_date - 9 AS starts_on, current_date + 20 AS ends_on,
       'month' AS period
UNION ALL SELECT 'q2', {share} * 2, current_date - 6, current_date, 'week'
UNION ALL SELECT 'q3', {share} * 900, current_date - 100, NULL, 'open'
"""
ALLOCATIONS = """
SELECT quest_id, day, {share} * allocated_usd AS allocated_usd, {share} * spent_usd AS spent_usd FROM quest_budget_allocations
"""
LATE_CALLS = """
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd)
SELECT now(), 't' || n, 'q1', 'minimax', 'm1', 100, 10, 0.25 FROM generate_series(1, 8) AS n
"""
VOLATILE = {"resource_quest_projected_spend_usd", "resource_quest_budget_projected_spend_usd"}
"""Projections use the course of past days, which is not the same in all shards."""
NOT_THE_SAME = re.compile("delta|burn|projected|gone|period_seconds|incomplete|:fresh|:name")
SAME = [rule.name for rule in RECORDED if rule.name.startswith("quest:") and not NOT_THE_SAME.search(rule.name)]
Labelled = dict[tuple[tuple[str, str], ...], float]
OWN = ("resource_exporter_", "process_", "scrape_", "ALERTS")


def configuration(shard: int | None) -> str:
    """One half of the tasks, or with None all of them. The budgets are in the first half; in the other they are 0."""
    share = int(shard != 1)
    part = {} if shard is None else {"filter": f"hashtext(coalesce(task_id, '')) & 1 = {shard}"}
    ledgers: dict[str, dict[str, Any]] = {"costs": part, "impacts": part, "quests": {}}
    ledgers["budgets"] = {"query": BUDGETS.format(share=share), "columns": {"ends_on": "ends_on", "period": "period"}}
    ledgers["allocations"] = {"query": ALLOCATIONS.format(share=share), "columns": {"spent_usd": "spent_usd"}}
    settings = {
        "databases": {"main": {"dsn_env": "LEDGERS_DSN"}},
        "ledgers": {name: {"database": "main", **ledger} for name, ledger in ledgers.items()},
        "refresh": {"interval": "500ms"},
    }
    settings |= {} if shard is None else {"shard": f"half {shard}"}
    return json.dumps(settings).replace("{", "{{").replace("}", "}}")


def scrapes(ports: list[int]) -> str:
    """The configuration of Prometheus. Each exporter of a shard has two names, as if it were two replicas."""
    replicas = [f"{host}:{port}" for port in ports[1:] for host in ("127.0.0.1", "localhost")]
    jobs = {SHARDS: replicas, WHOLE: [f"127.0.0.1:{ports[0]}"]}
    targets = [{"job_name": job, "static_configs": [{"targets": names}]} for job, names in jobs.items()]
    rules = {"rule_files": [f"{ROOT}/rules/*.yml"], "scrape_configs": targets}
    return json.dumps({"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}} | rules)


@pytest.fixture(scope="module")
def sharded(postgres: str, scidex: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus when all have served calls that were written later, and the rules have run for a minute."""
    name = f"{scidex}_shards"
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    ledger = make_conninfo(postgres, dbname=name)
    with psycopg.connect(ledger) as connection:
        connection.execute(SCHEMA.read_bytes())
        connection.execute(LEDGER.read_bytes())
    with ExitStack() as stack:
        each = [(shard, tmp_path_factory.mktemp("exporter")) for shard in (None, 0, 1)]
        ports = [stack.enter_context(serving(place, ledger, configuration(shard))).port for shard, place in each]
        prometheus = stack.enter_context(scraping(tmp_path_factory.mktemp("prometheus"), scrapes(ports)))
        prometheus.until("count(count_over_time(resource_report_info[1m]) >= 3) == 5")
        with psycopg.connect(ledger) as connection:
            connection.execute(LATE_CALLS)
        prometheus.until('count(delta(resource_spend_usd{provider="MiniMax",quest_id="q1",model="m1"}[1m]) > 0) == 5')
        prometheus.until(f'quest:resource_quest_budget_usd:max{{job="{SHARDS}"}}')
        yield prometheus
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def of_data(query: Asked) -> bool:
    """Whether a query is about the ledgers, and not about the exporters."""
    names = {name for name, _ in SELECTOR.findall(query.expression)}
    return query.board != "resource-exporter" and not any(name in VOLATILE or name.startswith(OWN) for name in names)


def listed(found: Found) -> Labelled:
    """The values by all labels except the job."""
    return {tuple(sorted((name, text) for name, text in labels.items() if name != "job")): value for labels, value in found}


def both(prometheus: Prometheus, expression: str) -> tuple[Labelled, Labelled]:
    """What an expression finds at the same moment for the shards, and for the exporter over everything."""
    now = time.time()
    of_shards, of_whole = (listed(prometheus.at(now, filled(expression, job=job))) for job in (SHARDS, WHOLE))
    return of_shards, of_whole


@pytest.mark.parametrize("query", [query for query in queries() if of_data(query)], ids=str)
def test_a_panel_shows_the_same(sharded: Prometheus, query: Asked) -> None:
    of_shards, of_whole = both(sharded, query.expression)
    assert of_shards == pytest.approx(of_whole, rel=1e-4, abs=1e-9)
    reason = query.expression.startswith("label_replace(absent(")
    assert of_whole or reason or (query.panel, query.ref) in MAY_BE_EMPTY


@pytest.mark.parametrize("name", SAME)
def test_a_recorded_series_is_the_same(sharded: Prometheus, name: str) -> None:
    of_shards, of_whole = both(sharded, name + '{job="$job"}')
    assert of_shards == pytest.approx(of_whole, rel=1e-4, abs=1e-9)
    assert of_whole


def test_the_alerts_on_quests_are_the_same(sharded: Prometheus) -> None:
    expression = 'count without (alertstate) (ALERTS{job="$job",quest_id!="",alertname!~"QuestBurn.+|QuestProjected.+"})'
    of_shards, of_whole = both(sharded, expression)
    assert of_shards == of_whole
    found = {(labels["alertname"], labels["quest_id"], labels.get("period")) for labels in map(dict, of_shards)}
    assert {("QuestBudgetExceeded", "q2", "day"), ("QuestBudgetExceeded", "q2", "week")} <= found


def test_shards_are_not_taken_for_replicas(sharded: Prometheus) -> None:
    assert sharded.now('ALERTS{alertname=~"ReplicasDiffer|ExporterDown|LedgerDown"}') == []
    up = sharded.now(f'shard:resource_exporter:up{{job="{SHARDS}"}}')
    assert sorted((labels["shard"], value) for labels, value in up) == [("half 0", 1), ("half 1", 1)]
