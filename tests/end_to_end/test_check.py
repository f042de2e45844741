"""``resource-exporter check`` over databases with something missing or wrong."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.end_to_end.process import LEDGERS
from tests.faults.test_rollup_file import BOUND

LAYER_REMEDY = "set ledgers.quests.columns.layer to the column that holds it, one of id, name, or to null to do without it"
ROLE = "resource_exporter_reader"
COSTS = "id, created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd"
IMPACTS = "id, created_at, task_id, impact_score, cost_usd, total_tokens, quest_id, layer, task_title, updated_at"

VIEW = f"""
ALTER TABLE cost_ledger RENAME TO below;
DROP INDEX cost_ledger_created_at_idx;
CREATE VIEW cost_ledger AS SELECT * FROM below;
GRANT SELECT ON cost_ledger TO {ROLE};
"""
SLOW = f"""
ALTER TABLE cost_ledger RENAME TO below;
INSERT INTO below (created_at, cost_usd) VALUES (now(), 1);
CREATE VIEW cost_ledger AS SELECT id, created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd
  FROM below WHERE pg_sleep(60) IS NOT NULL;
GRANT SELECT ON cost_ledger TO {ROLE};
"""
PARTITIONED = f"""
ALTER TABLE impact_ledger RENAME TO before;
CREATE TABLE impact_ledger (LIKE before) PARTITION BY RANGE (created_at);
CREATE INDEX ON impact_ledger (id);
CREATE INDEX ON impact_ledger (created_at);
GRANT SELECT ON impact_ledger TO {ROLE};
"""


@pytest.fixture
def reader(database: str) -> Iterator[str]:
    """The connection string of a role that may only read the ledgers."""
    with psycopg.connect(database) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {ROLE}")
        connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'hunter2'")
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}")
    yield make_conninfo(database, user=ROLE, password="hunter2")
    with psycopg.connect(database) as connection:
        connection.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


def check(directory: Path, conninfo: str, config: str = LEDGERS, prefix: Sequence[str] = ()) -> tuple[int, list[str]]:
    (directory / "config.yml").write_text(config.format(timezone="UTC"))
    checked = subprocess.run(
        [*prefix, sys.executable, "-m", "exporter", "check", f"--config.file={directory / 'config.yml'}"],
        env=os.environ | {"LEDGERS_DSN": conninfo},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "hunter2" not in checked.stdout + checked.stderr
    assert checked.stderr == ""
    return checked.returncode, checked.stdout.splitlines()


def test_a_state_path_that_is_no_regular_file_is_an_error(tmp_path: Path, reader: str) -> None:
    os.mkfifo(tmp_path / "rollups.duckdb")
    code, lines = check(tmp_path, reader)
    assert code == 1
    path = tmp_path / "rollups.duckdb"
    assert lines[-3:] == [f"error state: {path}", f"  {path} is a pipe", "    fix: set state.path to the path of a file"]


def test_a_state_path_with_a_foreign_file_is_a_warning(tmp_path: Path, reader: str) -> None:
    (tmp_path / "rollups.duckdb").write_text("My notes\n")
    code, lines = check(tmp_path, reader)
    assert code == 0
    assert lines[-2:] == ["  the file is not a rollup file and would be set aside", "    fix: choose another state.path"]


def test_a_state_path_in_a_read_only_directory_is_an_error(tmp_path: Path, reader: str) -> None:
    """DuckDB writes its write-ahead log beside the file, and the exporter the rows that it reads."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "rollups.duckdb").touch(0o666)
    state.chmod(0o555)
    code, lines = check(tmp_path, reader, LEDGERS.replace("rollups.duckdb", "state/rollups.duckdb"), BOUND)
    assert code == 1
    assert lines[-3:] == [
        f"error state: {state / 'rollups.duckdb'}",
        "  the file is not writable",
        "    fix: set state.path to a file in a writable directory",
    ]


def test_a_statement_timeout_is_an_error(tmp_path: Path, database: str, reader: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(SLOW)
    code, lines = check(tmp_path, reader, LEDGERS.replace("500ms", "500ms, statement_timeout: 300ms"))
    assert code == 1
    at = lines.index("error costs: cost_ledger in database main")
    assert lines[at + 1 : at + 3] == [
        "  canceling statement due to statement timeout",
        "    fix: raise refresh.statement_timeout, or add an index on the column of occurred_at",
    ]


def test_complete_ledgers_are_ok(tmp_path: Path, reader: str) -> None:
    code, lines = check(tmp_path, reader)
    assert code == 0
    assert lines == [
        "ok allocations: quest_budget_allocations in database main, 0 rows",
        "ok costs: cost_ledger in database main, 0 rows",
        "ok impacts: impact_ledger in database main, 0 rows",
        "ok quests: quests in database main, 0 rows",
        "ok report",
        f"ok state: {tmp_path / 'rollups.duckdb'}",
    ]


@pytest.mark.parametrize(
    "statement, code, expected",
    [
        (
            "ALTER TABLE cost_ledger RENAME TO elsewhere",
            1,
            [
                "error costs: cost_ledger in database main",
                "  table cost_ledger does not exist in database main",
                "    fix: set ledgers.costs.table to the table that holds this ledger",
            ],
        ),
        (
            "ALTER TABLE quests DROP COLUMN name",
            1,
            [
                "error quests: quests in database main",
                "  column name of table quests does not exist",
                "    fix: set ledgers.quests.columns.quest to the column that holds it, one of id, layer",
            ],
        ),
        (
            "ALTER TABLE quests DROP COLUMN layer",
            1,
            [
                "error quests: quests in database main",
                "  column layer of table quests does not exist",
                f"    fix: {LAYER_REMEDY}",
            ],
        ),
        (
            "ALTER TABLE cost_ledger ALTER cost_usd TYPE text",
            1,
            [
                "error costs: cost_ledger in database main",
                "  column cost_usd of table cost_ledger is of type text, which cannot hold cost_usd",
                "    fix: it must be a number: change its type, or cast it in ledgers.costs.query",
            ],
        ),
        (
            f"REVOKE SELECT ON impact_ledger FROM {ROLE}",
            1,
            [
                "error impacts: impact_ledger in database main",
                f"  role {ROLE} may not read table impact_ledger",
                f"    fix: GRANT SELECT ({IMPACTS}) ON impact_ledger TO {ROLE}",
            ],
        ),
        (
            f"REVOKE SELECT ON quests FROM {ROLE}; GRANT SELECT (id, name) ON quests TO {ROLE}",
            1,
            [
                "error quests: quests in database main",
                f"  role {ROLE} may not read layer of table quests",
                f"    fix: GRANT SELECT (layer) ON quests TO {ROLE}",
            ],
        ),
        (
            "DROP INDEX impact_ledger_updated_at_idx",
            0,
            [
                "warning impacts: impact_ledger in database main, 0 rows",
                "  column updated_at of table impact_ledger leads no index, so each refresh reads the whole table",
                "    fix: CREATE INDEX CONCURRENTLY ON impact_ledger (updated_at)",
            ],
        ),
        (
            "CREATE SCHEMA hidden; ALTER TABLE quests SET SCHEMA hidden",
            1,
            [
                "error quests: quests in database main",
                f"  table hidden.quests is in a schema that role {ROLE} may not use",
                f"    fix: GRANT USAGE ON SCHEMA hidden TO {ROLE}",
            ],
        ),
        (
            f"CREATE SCHEMA aside; ALTER TABLE quests SET SCHEMA aside; GRANT USAGE ON SCHEMA aside TO {ROLE}",
            1,
            [
                "error quests: quests in database main",
                "  table quests does not exist in database main on the search path",
                "    fix: set ledgers.quests.table: aside.quests",
            ],
        ),
        (
            "ALTER TABLE quests ENABLE ROW LEVEL SECURITY",
            0,
            [
                "warning quests: quests in database main, 0 rows",
                f"  row level security may hide rows of table quests from role {ROLE}",
                f"    fix: CREATE POLICY … ON quests FOR SELECT TO {ROLE} USING (true)",
            ],
        ),
        (
            r"""ALTER TABLE quests RENAME layer TO U&"\001b[31m\000a:warning:[red]" """,
            1,
            [
                "error quests: quests in database main",
                "  column layer of table quests does not exist",
                "    fix: " + LAYER_REMEDY.replace("name,", r"name, \x1b[31m\n:warning:[red],"),
            ],
        ),
        (VIEW, 0, []),
        (
            PARTITIONED,
            0,
            [
                "warning impacts: impact_ledger in database main, 0 rows",
                "  column updated_at of table impact_ledger leads no index, so each refresh reads the whole table",
                "    fix: CREATE INDEX ON impact_ledger (updated_at)",
            ],
        ),
        (
            "ALTER TABLE cost_ledger ALTER id DROP DEFAULT; ALTER TABLE cost_ledger ALTER id TYPE text",
            0,
            [
                "warning costs: cost_ledger in database main, 0 rows",
                (
                    "  column id of table cost_ledger is not a whole number, and updated_at is not mapped:"
                    " only the audit finds corrections of old rows, and rows that come later than refresh.late"
                ),
                "    fix: map updated_at if there is such a column with an index, or raise refresh.late",
            ],
        ),
    ],
)
def test_an_error_says_what_is_wrong_and_how_to_fix_it(
    tmp_path: Path, database: str, reader: str, statement: str, code: int, expected: list[str]
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(statement)
    returned, lines = check(tmp_path, reader)
    assert returned == code
    assert [line for line in lines if not line.startswith("ok ")] == expected


def test_a_filter_is_tried(tmp_path: Path, reader: str) -> None:
    config = LEDGERS.replace("costs: {{database: main}}", "costs: {{database: main, filter: \"status = '50%'\"}}")
    code, lines = check(tmp_path, reader, config)
    assert code == 1
    at = lines.index("error costs: cost_ledger in database main")
    assert lines[at + 1 : at + 3] == [
        '  ledgers.costs.filter is refused: column "status" does not exist, at character 1',
        f"    fix: write an SQL condition on columns of table cost_ledger: {COSTS}",
    ]


def test_names_with_a_percent_sign_work(tmp_path: Path, database: str, reader: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute('ALTER TABLE cost_ledger RENAME model TO "100%(s)"')
        connection.execute('ALTER TABLE quests RENAME TO "%quests"')
    config = LEDGERS.replace("costs: {{database: main}}", "costs: {{database: main, columns: {{model: '100%(s)'}}}}").replace(
        "quests: {{database: main}}",
        "quests: {{database: main, table: '\"%quests\"', columns: {{quest_id: id, quest: name}}, filter: \"id <> '%'\"}}",
    )
    assert check(tmp_path, reader, config)[0] == 0


def test_a_database_that_cannot_be_reached(tmp_path: Path) -> None:
    code, lines = check(tmp_path, "host=/nowhere dbname=none password=hunter2")
    assert code == 1
    assert lines[0] == "error database main"
    assert "cannot be reached" in lines[1]
    assert lines[2] == "    fix: start it, or correct LEDGERS_DSN; it holds allocations, costs, impacts, quests"
