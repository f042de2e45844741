"""docs/operations.md: its SQL creates a role with exactly the needed privileges, and its tables are complete."""

import ast
import io
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from exporter import __version__, check
from exporter.config import parse
from exporter.telemetry import Telemetry
from tests.conftest import ROOT
from tests.end_to_end.process import LEDGERS, serving
from tests.rules.rulebook import ALERTS

PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
OWN = {metric.name for metric in Telemetry("", "").catalogue()}
PROCESS = {"up", "process_start_time_seconds", "process_resident_memory_bytes"}
ROLE = "resource_exporter_documented"
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
"""The level in a log line by the method that logs it."""

Events = dict[str, tuple[set[str], set[str]]]
"""Levels and fields by event."""


def _rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its header."""
    chapter = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in chapter.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def _codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.fixture
def documented(database: str) -> Iterator[str]:
    """The connection string of the role of the page, in a database whose default privileges are revoked."""
    (script,) = re.findall(r"^```sql\n(CREATE ROLE .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    name = conninfo_to_dict(database)["dbname"]
    with psycopg.connect(database) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {ROLE}")
        connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC")
        connection.execute("ALTER TABLE cost_ledger ADD prompt text")
        connection.execute(script.replace("resource_exporter", ROLE).replace("DATABASE ledgers", f"DATABASE {name}"))
        connection.execute(f"ALTER ROLE {ROLE} PASSWORD 'hunter2'")
    yield make_conninfo(database, user=ROLE, password="hunter2")
    with psycopg.connect(database) as connection:
        connection.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


async def test_the_role_of_the_page_is_sufficient(tmp_path: Path, documented: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGERS_DSN", documented)
    found = io.StringIO()
    text = LEDGERS.format(timezone="UTC").replace("rollups.duckdb", str(tmp_path / "rollups.duckdb"))
    assert await check.run(parse(text, "config.yml"), found) == 0
    assert all(line.startswith("ok ") for line in found.getvalue().splitlines())
    with serving(tmp_path, documented) as exporter:
        ups = [f'resource_exporter_ledger_up{{ledger="{name}"}} 1.0' for name in ("allocations", "costs", "impacts", "quests")]
        exporter.until(lambda: all(up in exporter.page() for up in ups))
        exporter.until(lambda: 'resource_exporter_refreshes_total{outcome="success"} 3.0' in exporter.page())


def test_the_role_of_the_page_has_no_other_privileges(documented: str) -> None:
    with psycopg.connect(documented, autocommit=True) as connection:
        names = ("default_transaction_read_only", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        shown = [connection.execute(f"SHOW {name}").fetchone() for name in names]
        assert shown == [("on",), ("30s",), ("5s",), ("2min",)]
        connection.execute("SET default_transaction_read_only = off")
        for statement in (
            "SELECT prompt FROM cost_ledger",
            "INSERT INTO quests VALUES ('q', 'Quest', 'Forge')",
            "UPDATE cost_ledger SET cost_usd = 0",
            "CREATE TABLE mine (id int)",
            "CREATE TEMP TABLE mine (id int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(sql.SQL(statement))


def test_the_role_of_the_page_can_read_exactly_the_columns_of_the_profile(documented: str) -> None:
    profile = yaml.safe_load((ROOT / "exporter/profiles/scidex.yml").read_text(encoding="utf-8"))
    needed = {(ledger["table"], column) for ledger in profile["ledgers"].values() for column in ledger["columns"].values()}
    with psycopg.connect(documented) as connection:
        granted = connection.execute(
            "SELECT table_name, column_name FROM information_schema.column_privileges WHERE grantee = current_user"
        ).fetchall()
    assert set(granted) == needed


def test_every_log_event_is_listed_with_its_levels_and_fields() -> None:
    listed = {
        _codes(event)[0]: (set(levels.split(", ")), set(_codes(fields))) for event, levels, fields, *_ in _rows("Log events")
    }
    logged: Events = defaultdict(lambda: (set(), set()))
    for path in ROOT.glob("exporter/**/*.py"):
        _collect(ast.parse(path.read_text(encoding="utf-8")), logged)
    assert listed == logged


def _collect(module: ast.Module, events: Events) -> None:
    """Add the events that a module logs, with ``log.<level>("…")`` or with a variable that holds such a method."""
    assigned = {
        target.id: _levels(node.value)
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
        methods = assigned.get(call.func.id, set()) if isinstance(call.func, ast.Name) else _levels(call.func)
        if methods:
            event = ast.literal_eval(call.args[0])
            levels, fields = events[event]
            levels |= {LEVELS[method] for method in methods}
            fields |= {str(keyword.arg).replace("exc_info", "exception") for keyword in call.keywords}
            fields |= methods & {"exception"}


def _levels(node: ast.expr) -> set[str]:
    """The methods of ``log`` that an expression can evaluate to."""
    match node:
        case ast.Attribute(value=ast.Name(id="log"), attr=method) if method in LEVELS:
            return {method}
        case ast.IfExp(body=first, orelse=second):
            return _levels(first) | _levels(second)
    return set()


def test_every_failure_names_metrics_and_alerts_that_exist() -> None:
    alerts = {alert.name for alert in ALERTS}
    for failure, shown, alert, _ in _rows("Troubleshooting"):
        metrics = {code for code in _codes(shown) if re.fullmatch(r"up|[a-z]+_\w+", code)}
        assert metrics, failure
        assert metrics <= OWN | PROCESS, failure
        assert set(_codes(alert)) <= alerts, failure
        assert _codes(alert) or alert == "none", failure


def test_every_alert_on_the_exporter_itself_is_in_the_table_of_failures() -> None:
    rules = yaml.safe_load((ROOT / "rules/alerts.yml").read_text(encoding="utf-8"))
    (group,) = (group["rules"] for group in rules["groups"] if group["name"] == "resource-exporter")
    named = {code for _, _, alert, _ in _rows("Troubleshooting") for code in _codes(alert)}
    assert named == {rule["alert"] for rule in group}


def test_every_metric_that_is_named_exists() -> None:
    assert set(re.findall(r"\bresource_exporter_[a-z_]+", PAGE)) <= OWN


@pytest.mark.parametrize(
    "arguments, code", [(["--version"], 0), (["serve", "--config.file=missing.yml"], 1), (["serve", "--log.level=loud"], 2)]
)
def test_exit_codes_are_those_of_the_page(arguments: list[str], code: int) -> None:
    ended = subprocess.run([sys.executable, "-m", "exporter", *arguments], capture_output=True, check=False)
    assert ended.returncode == code
    assert [row[0] for row in _rows("Exit codes")] == ["0", "1", "2", "130"]


def test_the_image_has_the_current_version() -> None:
    versions = re.findall(r"resource-exporter:(\d\S*)|newTag: ([^}\s]+)", PAGE)
    assert {first or second for first, second in versions} == {__version__}
    assert len(versions) == 3


def test_the_container_has_the_mounts_and_limits_of_the_image() -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (volume,) = re.findall(r"^VOLUME (.+)$", image, re.MULTILINE)
    (config,) = re.findall(r"--config\.file=(.+)/config\.yml", image)
    (run,) = re.findall(r"^docker run (?:.*\\\n)+.*$", PAGE, re.MULTILINE)
    for option in ("--read-only", "--cap-drop ALL", "no-new-privileges:true", "--memory 512m", f":{volume} ", f':{config}:ro"'):
        assert option in run
