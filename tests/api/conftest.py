"""A configuration over the known ledger, and how an example of the page is run."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests import blocks
from tests.conftest import ROOT
from tests.end_to_end.process import LEDGERS

EXAMPLES = MONTH, CONTENT, FAILURE, ASYNC = tuple(block.text for block in blocks.of("python"))
"""The examples of docs/python.md."""


@pytest.fixture
def config(tmp_path: Path, known_ledger: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file over the known ledger."""
    monkeypatch.setenv("LEDGERS_DSN", known_ledger)
    path = tmp_path / "config.yml"
    path.write_text(LEDGERS.format(timezone="UTC"))
    return path


def execute(conninfo: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def script(text: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run an example, which must succeed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", text]
    ended = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended
