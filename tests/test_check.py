"""``check`` reports an error wherever ``serve`` fails: both run over the same ledgers."""

import io
import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from exporter import check
from exporter.config import Config, parse
from exporter.metrics import Metric
from exporter.report import labelling
from exporter.report.context import ReportContext
from exporter.report.prepared import Prepared
from exporter.sections import waste
from tests.integration.running import Clock, configure, running

ROLE = "resource_exporter_checked"
ROWS = """
INSERT INTO cost_ledger (created_at, provider, cost_usd, input_tokens)
SELECT now() - back * interval '1 day', 'p', 1, back FROM generate_series(0, 3) AS back;
INSERT INTO impact_ledger (created_at, updated_at, task_id, total_tokens, cost_usd) VALUES (now(), now(), 't', 1, 1);
INSERT INTO quests VALUES ('q', 'Quest', 'Forge');
"""
COSTS = """
ALTER TABLE cost_ledger RENAME TO below;
CREATE VIEW cost_ledger AS
SELECT id, created_at, task_id, quest_id, provider, model, {} AS input_tokens, output_tokens, cost_usd FROM below;
GRANT SELECT ON cost_ledger TO PUBLIC;
"""
SECRET = f"""
ALTER TABLE quests ADD secret text;
REVOKE ALL ON quests FROM {ROLE};
GRANT SELECT (id, name, layer) ON quests TO {ROLE};
"""
FAILING = {
    "a column that fails on the newest row": (COSTS.format("input_tokens / input_tokens"), {}, "costs", "division by zero"),
    "a column that writes": (
        "CREATE SEQUENCE numbers; GRANT ALL ON numbers TO PUBLIC;" + COSTS.format("nextval('numbers')"),
        {},
        "costs",
        "cannot execute nextval() in a read-only transaction",
    ),
    "no right to see which transactions run": (
        "REVOKE EXECUTE ON FUNCTION pg_current_snapshot() FROM PUBLIC",
        {},
        "costs",
        "permission denied for function pg_current_snapshot",
    ),
    "no right to see locks": ("REVOKE SELECT ON pg_locks FROM PUBLIC", {}, "impacts", "permission denied for view pg_locks"),
    "a filter that PostgreSQL cannot parse": (
        "",
        {"costs": {"database": "main", "filter": "cost_usd >"}},
        "costs",
        'ledgers.costs.filter is refused: syntax error at or near ")", at its end',
    ),
    "a filter on what is no column": (
        "",
        {"quests": {"database": "main", "filter": "layer <> 'x' AND status = 'ok'"}},
        "quests",
        'ledgers.quests.filter is refused: column "status" does not exist, at character 18',
    ),
    "a filter that closes the parenthesis around it": (
        "",
        {"costs": {"database": "main", "filter": "provider = 'a') or (provider = 'b'"}},
        "costs",
        'ledgers.costs.filter is refused: syntax error at or near ")", at character 15',
    ),
    "a filter that is no condition": (
        "",
        {"allocations": {"database": "main", "filter": "allocated_usd"}},
        "allocations",
        "ledgers.allocations.filter is refused: argument of WHERE must be type boolean, not type numeric, at character 1",
    ),
    "a filter on a column that may not be read": (
        SECRET,
        {"quests": {"database": "main", "filter": "secret IS NULL"}},
        "quests",
        "ledgers.quests.filter is refused: permission denied for table quests",
    ),
    "a filter that changes by itself": (
        "",
        {"impacts": {"database": "main", "filter": "random() < 0.5"}},
        "impacts",
        "ledgers.impacts.filter calls random(), which changes by itself",
    ),
    "a filter that asks for the time": (
        "",
        {"costs": {"database": "main", "filter": "created_at > now() - interval '30 days'"}},
        "costs",
        "ledgers.costs.filter depends on the time, by now",
    ),
}


@pytest.fixture
def reader(database: str) -> Iterator[str]:
    with psycopg.connect(database) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {ROLE}")
        connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'hunter2'; {ROWS}")
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}")
    yield make_conninfo(database, user=ROLE, password="hunter2")
    with psycopg.connect(database) as connection:
        connection.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


async def checked(config: Config) -> tuple[int, list[str]]:
    output = io.StringIO()
    code = await check.run(config, output)
    return code, output.getvalue().splitlines()


def prepare(conninfo: str, statements: str) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute(statements.encode())


@pytest.mark.parametrize("statements, ledgers, ledger, reason", FAILING.values(), ids=FAILING)
async def test_a_ledger_that_serve_cannot_read_is_an_error(
    tmp_path: Path, database: str, reader: str, statements: str, ledgers: dict[str, Any], ledger: str, reason: str
) -> None:
    prepare(database, statements)
    all_of_them = {name: {"database": "main"} for name in ("allocations", "costs", "impacts", "quests")}
    config = configure(reader, tmp_path / "rollups", ledgers=all_of_them | ledgers)
    async with running(config, Clock(datetime.now(UTC))) as exporter:
        last_errors = await exporter.last_errors()
    assert last_errors[ledger].startswith(reason)
    code, lines = await checked(config)
    assert code == 1
    at = next(number for number, line in enumerate(lines) if line.startswith(f"error {ledger}: "))
    assert lines[at + 1].startswith(f"  {reason}")
    assert lines[at + 2].startswith("    fix: ")


async def test_the_error_names_a_filter_whose_column_was_renamed(tmp_path: Path, database: str, reader: str) -> None:
    prepare(database, "ALTER TABLE cost_ledger ADD status text DEFAULT 'ok'")
    ledgers = {"costs": {"database": "main", "filter": "status = 'ok'"}, "quests": {"database": "main"}}
    config = configure(reader, tmp_path / "rollups", ledgers=ledgers)
    async with running(config, Clock(datetime.now(UTC))) as exporter:
        await exporter.refresh(2)
        prepare(database, "ALTER TABLE cost_ledger RENAME status TO state")
        reason = 'ledgers.costs.filter is refused: column "status" does not exist, at character 1; fix: write an SQL condition'
        last_errors = await exporter.last_errors()
        assert last_errors.keys() == {"costs"}
        assert last_errors["costs"].startswith(reason)
        prepare(database, "ALTER TABLE cost_ledger RENAME state TO status")
        await exporter.refresh(2)


async def test_the_error_names_a_filter_that_fails_on_an_old_row(tmp_path: Path, reader: str) -> None:
    ledger = {"database": "main", "filter": "1 / (input_tokens - 3) < 9"}
    code, lines = await checked(configure(reader, tmp_path / "rollups", ledgers={"costs": ledger}))
    assert code == 1
    assert lines[1] == "  ledgers.costs.filter is refused: division by zero"


async def test_only_the_newest_hour_is_read(tmp_path: Path, database: str, reader: str) -> None:
    """A bad value on an old row is not found: ``check`` does not read every row."""
    prepare(database, COSTS.format("1 / (input_tokens - 3)"))
    code, lines = await checked(configure(reader, tmp_path / "rollups"))
    assert (code, lines[1]) == (0, "ok costs: cost_ledger in database main, 4 rows")


async def test_nothing_is_left_behind(tmp_path: Path, reader: str) -> None:
    (tmp_path / "rollups").write_text("My notes\n")
    assert (await checked(configure(reader, tmp_path / "rollups")))[0] == 0
    assert os.listdir(tmp_path) == ["rollups"]  # noqa: PTH208 - pathlib's blocks too
    assert (tmp_path / "rollups").read_text() == "My notes\n"


async def test_a_section_that_fails_is_an_error(tmp_path: Path, reader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_context: ReportContext, _prepared: Prepared) -> list[object]:
        raise duckdb.InvalidInputException("nonsense")

    monkeypatch.setattr(waste, "collect", fail)
    code, lines = await checked(configure(reader, tmp_path / "rollups"))
    assert code == 1
    assert lines[4:6] == ["error report", "  section waste fails: nonsense"]


async def test_a_report_that_fails_is_an_error(tmp_path: Path, reader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_context: ReportContext, _metrics: Iterable[Metric]) -> None:
        raise duckdb.ConversionException("nonsense")

    monkeypatch.setattr(labelling, "prepare", fail)
    code, lines = await checked(configure(reader, tmp_path / "rollups"))
    assert code == 1
    assert lines[4:6] == ["error report", "  cannot be computed: nonsense"]


async def test_a_state_path_that_duckdb_misreads_has_one_remedy(tmp_path: Path, reader: str) -> None:
    code, lines = await checked(configure(reader, tmp_path / "rollups*"))
    assert code == 1
    assert lines[-2:] == [
        f"  state.path {tmp_path / 'rollups*'} holds *, which DuckDB misreads",
        "    fix: choose another path",
    ]


async def test_a_file_in_place_of_the_scratch_directory_is_an_error(tmp_path: Path, reader: str) -> None:
    (tmp_path / "rollups.reading").touch()
    code, lines = await checked(configure(reader, tmp_path / "rollups"))
    assert code == 1
    assert lines[-2] == f"  {tmp_path / 'rollups.reading'} must be a directory and is not"


async def test_an_unset_variable_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_DSN", raising=False)
    text = {"databases": {"main": {"dsn_env": "NO_SUCH_DSN"}}, "ledgers": {"costs": {"database": "main"}}}
    code, lines = await checked(parse(json.dumps(text), tmp_path / "config.yml"))
    assert code == 1
    assert lines[:3] == [
        "error database main",
        "  database 'main': environment variable NO_SUCH_DSN is not set",
        "    fix: set it to the connection string",
    ]


async def test_the_remedy_for_a_refused_login_is_not_to_start_the_server(tmp_path: Path, reader: str) -> None:
    _, lines = await checked(configure(make_conninfo(reader, user="nobody_at_all"), tmp_path / "rollups"))
    assert (
        lines[2] == "    fix: correct the connection string in databases.main.dsn; it holds allocations, costs, impacts, quests"
    )


@pytest.mark.parametrize(
    "days, period",
    [
        ("generate_series(date '2026-01-01', date '2026-04-01', '1 month')", "month"),
        ("generate_series(date '2026-01-31', date '2026-03-31', '1 month')", "month"),
        ("generate_series(date '2026-01-05', date '2026-03-30', '1 week')", "week"),
        ("generate_series(date '2025-01-01', date '2026-01-01', '3 months')", "quarter"),
        ("generate_series(date '2024-01-01', date '2026-01-01', '1 year')", "year"),
        ("generate_series(date '2026-01-30', date '2026-02-02', '1 day')", None),
        ("(VALUES (date '2026-01-31'), ('2026-02-01')) AS days (day)", None),
        ("(VALUES (date '2026-01-01')) AS days (day)", None),
    ],
)
async def test_allocations_of_whole_periods_are_a_warning(tmp_path: Path, database: str, days: str, period: str | None) -> None:
    prepare(
        database,
        "CREATE TABLE months (quest_id text, month date, usd numeric);"
        f"INSERT INTO months SELECT 'q', days.day::date, 100 FROM {days.replace(' AS days (day)', '')} AS days (day)",
    )
    columns = {"day": "month", "allocated_usd": "usd"}
    config = configure(
        database, tmp_path / "rollups", ledgers={"allocations": {"database": "main", "table": "months", "columns": columns}}
    )
    code, lines = await checked(config)
    found = f"  allocations exist on one day of each {period} only; a row is what may be spent on one day"
    assert code == 0
    assert [line for line in lines if "one day of each" in line] == ([found] if period else [])
