"""The committed JSON equals what the code generates."""

import json
from pathlib import Path

import pytest

from grafana import generate
from tests.grafana.boards import BOARDS


def test_dashboards_are_current() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in generate.FOLDER.glob("*.json")}
    assert generate.dashboards() == committed, "run: make dashboards"


def test_there_are_five() -> None:
    titles = {uid: board["title"] for uid, board in BOARDS.items()}
    assert titles == {
        "resource-dashboard": "Resource Dashboard",
        "resource-month": "Month",
        "resource-quest": "Quest",
        "resource-provider": "Provider",
        "resource-exporter": "Exporter",
    }


def test_check_shows_what_would_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in generate.dashboards().items():
        (tmp_path / name).write_text(text.replace('"title": "Quest"', '"title": "Old"'), encoding="utf-8")
    (tmp_path / "left-behind.json").write_text("{}\n", encoding="utf-8")
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["generate", "--check"])
    assert generate.main() == 1
    shown = set(capsys.readouterr().out.splitlines())
    assert {'-  "title": "Old",', '+  "title": "Quest",', "--- grafana/dashboards/left-behind.json"} <= shown


def test_writing_makes_check_succeed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["generate"])
    assert generate.main() == 0
    monkeypatch.setattr("sys.argv", ["generate", "--check"])
    assert generate.main() == 0
    assert {json.loads(path.read_text())["uid"] for path in tmp_path.iterdir()} == set(BOARDS)
