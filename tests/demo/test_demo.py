from datetime import timedelta
from pathlib import Path

import pytest

from exporter.config import parse
from exporter.demo import config_text, progress


@pytest.mark.parametrize("state", ["/var/lib/rollups.duckdb", '/tmp/it\'s a "state": {x} # é.duckdb'])
def test_config_is_valid_and_reads_all_ledgers_from_the_demo(state: str) -> None:
    config = parse(config_text("DEMO_DSN", Path(state)), "demo.yml")
    assert config.profile == "scidex"
    assert config.timezone.key == "UTC"
    assert config.refresh.interval == timedelta(seconds=5)
    assert config.state.path == Path(state)
    assert {name: ledger.database for name, ledger in config.ledgers.items()} == dict.fromkeys(
        ("allocations", "budgets", "costs", "impacts", "quests"), "demo"
    )
    assert [database.dsn_env for database in config.databases.values()] == ["DEMO_DSN"]


def test_progress_is_plain_lines_in_a_file(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    with progress() as report:
        for done in range(1, 47):
            report(done, 46)
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.splitlines() == [f"writing the history: {done} of 46 days" for done in (12, 23, 35, 46)]


def test_progress_is_drawn_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes this for a terminal
    monkeypatch.setenv("TERM", "xterm")
    with progress() as report:
        report(1, 2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "writing the history" in captured.err
    assert "50%" in captured.err
