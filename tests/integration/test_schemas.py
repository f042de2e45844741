"""Schemas that differ from the profile: other names and types, no optional columns, missing ledgers, two databases."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from exporter import check
from exporter.config import LEDGERS as LEDGERS_KNOWN
from exporter.config import Ledger
from tests.integration.books import SCIDEX, Books, Selects, finite, read
from tests.integration.model import report
from tests.integration.page import Page
from tests.integration.rules import Settings
from tests.integration.running import LEDGERS, Clock, configure, differences, running

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
SCHEMA = """
CREATE SCHEMA "Other";
CREATE TABLE "Other"."Calls" (uid uuid PRIMARY KEY, "When" timestamp, vendor varchar(40), price double precision,
    team integer, job uuid, engine char(6), tin smallint,
    tout real, status text);
CREATE TABLE "Other".judged (uid text, "When" timestamp, job uuid, price real, tokens double precision, score double precision);
CREATE TABLE "Other".budget (team integer, day date, amount real);
CREATE TABLE "Other".teams (team integer, title varchar);
INSERT INTO "Other"."Calls"
SELECT md5(n::text)::uuid, timestamp '2026-05-14 15:00' - n * interval '3 hours', (ARRAY['MAX', 'acme', '', NULL])[1 + n % 4],
       (ARRAY[0.1, 2.5, NULL, 'NaN', 'Infinity', -1])[1 + n % 6], (ARRAY[1, 2, NULL])[1 + n % 3], md5((n % 9)::text)::uuid,
       (ARRAY['glm-4', 'm', NULL])[1 + n % 3], n, n, (ARRAY['ok', 'failed', NULL, 'ok'])[1 + n % 4]
  FROM generate_series(1, 400) AS n;
INSERT INTO "Other".judged
SELECT n::text, timestamp '2026-05-14 15:00' - n * interval '5 hours', md5((n % 9)::text)::uuid, n, n * 10,
       (ARRAY[0.25, NULL, 'NaN', 3])[1 + n % 4] FROM generate_series(1, 200) AS n;
INSERT INTO "Other".budget SELECT 1 + n % 3, date '2026-05-15' - n / 3, 5 + n FROM generate_series(0, 150) AS n;
INSERT INTO "Other".teams VALUES (1, 'One'), (2, 'Two'), (7, 'Seven');
"""
OTHER = Selects(
    allocations='SELECT team::text AS quest_id, day, amount::numeric AS allocated_usd FROM "Other".budget',
    costs=f"""SELECT uid::text AS entry_id, {finite('"When"')} AT TIME ZONE 'UTC' AS occurred_at, vendor AS provider,
        price::numeric AS cost_usd, team::text AS quest_id, job::text AS task_id, engine::text AS model, tin AS input_tokens,
        tout::numeric AS output_tokens FROM "Other"."Calls" WHERE status = 'ok'""",
    impacts="""SELECT uid AS entry_id, "When" AT TIME ZONE 'UTC' AS occurred_at, job::text AS task_id,
        price::numeric AS cost_usd, tokens::numeric AS total_tokens, score::numeric AS impact_score FROM "Other".judged""",
    quests='SELECT team::text AS quest_id, title AS quest FROM "Other".teams',
)
MAPPED = {
    "allocations": {
        "database": "main",
        "table": '"Other".budget',
        "columns": {"quest_id": "team", "allocated_usd": "amount"},
    },
    "costs": {
        "database": "main",
        "table": '"Other"."Calls"',
        "columns": {
            "entry_id": "uid", "occurred_at": "When", "provider": "vendor", "cost_usd": "price", "quest_id": "team",
            "task_id": "job", "model": "engine", "input_tokens": "tin", "output_tokens": "tout",
        },
        "filter": "status = 'ok'",
    },
    "impacts": {
        "database": "main",
        "table": '"Other".judged',
        "columns": {
            "entry_id": "uid", "occurred_at": "When", "task_id": "job", "cost_usd": "price", "total_tokens": "tokens",
            "impact_score": "score",
        },
    },
    "quests": {"database": "main", "table": '"Other".teams', "columns": {"quest_id": "team", "quest": "title"}},
}  # fmt: skip
ROWS = """
INSERT INTO quests VALUES ('q1', 'One', 'Atlas'), ('q2', 'Two', 'Forge');
INSERT INTO quest_budget_allocations
SELECT 'q' || 1 + n % 2, date '2026-05-15' - n / 2, 5 + n, n / 7.0 FROM generate_series(0, 90) AS n;
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd)
SELECT timestamptz '2026-05-14 15:00Z' - n * interval '3 hours', 't' || n % 9, 'q' || n % 4, 'p' || n % 3, 'm' || n % 2, n,
       2 * n, n / 3.0 FROM generate_series(1, 400) AS n;
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, total_tokens, cost_usd, impact_score)
SELECT timestamptz '2026-05-14 15:00Z' - n * interval '5 hours', now(), 't' || n % 11, 'q' || n % 4, 'Agora', 9 * n, n / 7.0,
       nullif(n % 4, 3) FROM generate_series(1, 200) AS n;
"""


def expected(books: Books) -> Page:
    return report(books, Settings(), NOW)


@pytest.fixture
def filled(database: str) -> str:
    with psycopg.connect(database) as connection:
        connection.execute(ROWS)
    return database


async def test_a_schema_with_other_names_and_types(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(SCHEMA)
    clock = Clock(NOW)
    async with running(configure(database, tmp_path / "rollups", ledgers=MAPPED), clock) as exporter:
        await exporter.refresh()
        assert differences(exporter.samples(), expected(read(database, OTHER))) == []
        with psycopg.connect(database) as connection:
            connection.execute("""UPDATE "Other"."Calls" SET price = 9, status = 'ok' WHERE status IS NULL""")
            connection.execute("""DELETE FROM "Other".judged WHERE tokens < 700""")
        await exporter.refresh(5)
        assert differences(exporter.samples(), expected(read(database, OTHER))) == []


@pytest.mark.parametrize(
    "missing",
    [("costs",), ("impacts",), ("quests",), ("allocations",), ("costs", "impacts"), ("allocations", "costs"),
     ("allocations", "impacts", "quests")],
)  # fmt: skip
async def test_without_some_ledgers(filled: str, tmp_path: Path, missing: tuple[str, ...]) -> None:
    ledgers = {name: {"database": "main"} for name in LEDGERS if name not in missing}
    async with running(configure(filled, tmp_path / "rollups", ledgers=ledgers), Clock(NOW)) as exporter:
        await exporter.refresh()
        assert differences(exporter.samples(), expected(read(filled, SCIDEX.without(*missing)))) == []


OPTIONAL = [f"{name}.{column}" for name in LEDGERS for column in LEDGERS_KNOWN[name].optional if column != "updated_at"]


@pytest.mark.parametrize(
    "columns", [*([each] for each in OPTIONAL), ["costs.input_tokens", "costs.output_tokens"], OPTIONAL], ids=",".join
)
async def test_without_some_columns(filled: str, tmp_path: Path, columns: list[str]) -> None:
    """Exactly the metrics that need a missing column are absent."""
    ledgers: dict[str, dict[str, Any]] = {name: {"database": "main", "columns": {}} for name in LEDGERS}
    for ledger, column in (each.split(".") for each in columns):
        ledgers[ledger]["columns"][column] = None
    async with running(configure(filled, tmp_path / "rollups", ledgers=ledgers), Clock(NOW)) as exporter:
        await exporter.refresh()
        assert differences(exporter.samples(), expected(read(filled).without(*columns))) == []


async def test_without_costs_and_without_reported_spend(filled: str, tmp_path: Path) -> None:
    allocations = {"database": "main", "columns": {"spent_usd": None}}
    config = configure(filled, tmp_path / "rollups", ledgers={"allocations": allocations})
    async with running(config, Clock(NOW)) as exporter:
        await exporter.refresh()
        books = read(filled, SCIDEX.without("costs", "impacts", "quests")).without("allocations.spent_usd")
        assert differences(exporter.samples(), expected(books)) == []
        assert "resource_quest_spend_usd" not in exporter.samples()


async def test_ledgers_in_two_databases(filled: str, postgres: str, scidex: str, tmp_path: Path) -> None:
    databases = {"one": {"dsn": filled}, "two": {"dsn": f"{postgres} dbname={scidex}"}}
    ledgers = {name: {"database": "two" if name == "costs" else "one"} for name in LEDGERS}
    config = configure(filled, tmp_path / "rollups", databases=databases, ledgers=ledgers)
    async with running(config, Clock(NOW)) as exporter:
        await exporter.refresh()
        books = read(filled)
        assert differences(exporter.samples(), expected(Books(books.allocations, [], books.impacts, books.quests))) == []


ODD_NAMES = (
    *('say "hi"', "'; DROP TABLE quests; --", "a b.c", "100% %s %(x)s", "{} {0} {model}", "naïve 漢字", "\\ $1 :x ?", ");"),
    *(" \t\nx", "SELECT", "user", "order", "Table", "null", "/*", "--", "at", "entries", "rejection_reason", "id", "bucket"),
    *("start", "finish", "number", "range", "ledger", "entry", "day"),
)  # fmt: skip


def odd_names() -> Iterator[str]:
    """Endless distinct names; every second one has the maximum of 63 bytes."""
    yield from ODD_NAMES
    for number, name in enumerate(cycle(ODD_NAMES)):
        numbered = f"{number}{name}"
        yield numbered + "ü" * ((63 - len(numbered.encode())) // 2) if number % 2 else numbered


def rename(connection: psycopg.Connection, ledger: Ledger, schema: str, names: Iterator[str]) -> dict[str, object]:
    """Rename the table and columns of a ledger. Returns their mapping for the configuration."""
    (table,), moved = ledger.table, next(names)
    columns = {column: next(names) for column in ledger.columns}
    for column, name in columns.items():
        connection.execute(quoting("ALTER TABLE {} RENAME {} TO {}", table, ledger.columns[column], name))
    connection.execute(quoting("ALTER TABLE {} RENAME TO {}", table, moved))
    connection.execute(quoting("ALTER TABLE {} SET SCHEMA {}", moved, schema))
    return {"database": "main", "table": sql.Identifier(schema, moved).as_string(), "columns": columns}


def quoting(statement: LiteralString, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))


async def test_unusual_names(filled: str, tmp_path: Path) -> None:
    books, names = read(filled), odd_names()
    ledgers = configure(filled, tmp_path / "rollups").ledgers
    with psycopg.connect(filled) as connection:
        connection.execute(quoting("CREATE SCHEMA {}", schema := next(names)))
        mapped = {name: rename(connection, ledger, schema, names) for name, ledger in ledgers.items()}
    config = configure(filled, tmp_path / "rollups", ledgers=mapped)
    assert await check.run(config, io.StringIO()) == 0
    async with running(config, Clock(NOW)) as exporter:
        await exporter.refresh(2)
        assert differences(exporter.samples(), expected(books)) == []


async def test_a_column_may_have_the_name_of_another_ledger_column(filled: str, tmp_path: Path) -> None:
    texts = {"provider": "model", "model": "quest_id", "quest_id": "task_id", "task_id": "provider"}
    columns = texts | {"input_tokens": "output_tokens", "output_tokens": "cost_usd", "cost_usd": "input_tokens"}
    books = read(filled)
    with psycopg.connect(filled) as connection:
        for column in columns:
            connection.execute(quoting("ALTER TABLE cost_ledger RENAME {} TO {}", column, f"{column} "))
        for column, name in columns.items():
            connection.execute(quoting("ALTER TABLE cost_ledger RENAME {} TO {}", f"{column} ", name))
    ledgers = {name: {"database": "main"} for name in LEDGERS} | {"costs": {"database": "main", "columns": columns}}
    async with running(configure(filled, tmp_path / "rollups", ledgers=ledgers), Clock(NOW)) as exporter:
        await exporter.refresh(2)
        assert differences(exporter.samples(), expected(books)) == []
