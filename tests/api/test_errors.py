"""What cannot be read is an exception, with all other numbers."""

from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

import exporter
from tests.api.conftest import FAILURE, execute, script


def test_a_ledger_that_cannot_be_read_is_an_exception_with_all_other_numbers(config: Path, known_ledger: str) -> None:
    execute(known_ledger, "ALTER TABLE quest_budget_allocations RENAME TO elsewhere")
    with pytest.raises(exporter.ReadError) as raised:
        exporter.read(config)
    assert raised.value.ledgers.keys() == {"allocations"}
    assert str(raised.value) == f"ledger allocations cannot be read: {raised.value.ledgers['allocations']}"
    assert "quest_budget_allocations" in str(raised.value)
    assert raised.value.snapshot
    assert len(raised.value.snapshot.samples("resource_spend_usd")) == 4
    assert raised.value.snapshot.samples("resource_quest_allocation_usd") == []
    ended = script(FAILURE, config.parent)
    assert ended.stdout == "without allocations\n"
    (warning,) = ended.stderr.splitlines()
    assert warning.startswith('event="ledger cannot be read" ledger=allocations database=main error=')


def test_an_unreachable_database_tells_no_password() -> None:
    dsn = make_conninfo(host="127.0.0.1", port=1, password="hunter2")
    with pytest.raises(exporter.ReadError, match=r"^ledger costs cannot be read: ") as raised:
        exporter.read({"databases": {"main": {"dsn": dsn}}, "ledgers": {"costs": {"database": "main"}}})
    assert "hunter2" not in str(raised.value)
    assert raised.value.snapshot
    assert raised.value.snapshot.samples("resource_spend_usd") == []


def test_a_kept_file_remembers_what_was_read(config: Path, known_ledger: str, tmp_path: Path) -> None:
    state = tmp_path / "report.duckdb"
    spent = [sum(sample.value for sample in exporter.read(config, state=state).samples("resource_spend_usd"))]
    execute(known_ledger, "INSERT INTO cost_ledger (created_at, cost_usd) VALUES (now(), 0.5)")
    spent.append(sum(sample.value for sample in exporter.read(config, state=state).samples("resource_spend_usd")))
    assert spent == pytest.approx([3.5, 4.0], rel=1e-12)
    execute(known_ledger, "ALTER TABLE cost_ledger RENAME TO elsewhere")
    with pytest.raises(exporter.ReadError) as raised:
        exporter.read(config, state=state)
    assert raised.value.snapshot
    assert sum(sample.value for sample in raised.value.snapshot.samples("resource_spend_usd")) == pytest.approx(4.0, rel=1e-12)


def test_a_rollup_file_that_cannot_be_used_is_an_exception(config: Path, tmp_path: Path) -> None:
    with pytest.raises(exporter.ReadError, match=r"is a directory; fix: set state.path to the path of a file") as raised:
        exporter.read(config, state=tmp_path)
    assert raised.value.snapshot is None


def test_a_file_of_somebody_else_is_not_touched(config: Path) -> None:
    before = config.read_text()
    with pytest.raises(exporter.ReadError, match=r"is not a rollup file; fix: set state to a new file"):
        exporter.read(config, state=config)
    assert config.read_text() == before


def test_settings_are_checked_as_a_file_is() -> None:
    with pytest.raises(exporter.ConfigError, match=r"^settings:1: ledger: unknown key; did you mean 'ledgers'\?"):
        exporter.read({"databases": {"main": {"dsn": "host=/nowhere"}}, "ledger": {}})
    with pytest.raises(TypeError, match=r"^set in the settings; fix: write the value as in a configuration file"):
        exporter.read({"databases": {"main"}})
