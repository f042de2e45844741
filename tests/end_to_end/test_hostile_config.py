"""Malformed and hostile configurations: one clear line on the command line, and a reload that changes nothing."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.end_to_end.process import LEDGERS, serving
from tests.waiting import DEADLINE

RIGHT = LEDGERS.format(timezone="UTC")
BOMB = "a: &a [x, x]\n" + "".join(f"{key}: &{key} [{', '.join([f'*{before}'] * 9)}]\n" for before, key in pairwise("abcdefghi"))
CONTENTS = {
    "empty": (b"", "config.yml: is empty; give at least databases and ledgers"),
    "not UTF-8": (b"profile: scidex\n# caf\xe9\n", "config.yml:2: is not UTF-8 text; save the file as UTF-8"),
    "a bomb": (
        BOMB.encode(),
        "config.yml:1: anchors and aliases (& and *) are not supported; write the value out, or quote it",
    ),
    "deep": (b"a: " + b"{a: " * 20_000, "config.yml: is nested too deeply to be a configuration"),
    "10 MB": (b"a: 1\n" * 2_000_000, "config.yml: is larger than 100000 bytes; check the path"),
    "binary": (bytes(range(256)), "config.yml:2: is not UTF-8 text; save the file as UTF-8"),
    "a key twice": (
        RIGHT.encode() + b"timezone: UTC\n",
        "config.yml:11: timezone: this key is given twice, first on line 8; keep one of them",
    ),
    "a bad expression": (
        RIGHT.encode() + b"providers: {Acme: ['(']}\n",
        "config.yml:11: providers.Acme[0]: '(' is not a regular expression that RE2 accepts: missing ) at '('; correct it",
    ),
    "no time zone": (
        RIGHT.replace("UTC", "Mars/Olympus").encode(),
        "config.yml:8: timezone: 'Mars/Olympus' is not an IANA time zone; write one such as UTC or Europe/Berlin",
    ),
    "no time": (
        RIGHT.replace("500ms", "0s").encode(),
        "config.yml:10: refresh.interval: '0s' is out of range; write a duration from 1ms to 168h (7 days)",
    ),
}


def said(directory: Path, command: str, *flags: str) -> tuple[int, str, str]:
    """The exit code of a command with ``config.yml``, and its output."""
    arguments = [sys.executable, "-m", "exporter", command, "--config.file=config.yml", *flags]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        arguments, cwd=directory, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "command, name",
    [("serve", "empty"), ("serve", "a bomb"), ("check", "deep"), ("check", "10 MB"), ("backfill", "a key twice")],
)
def test_a_malformed_file_is_one_line_and_a_failure(tmp_path: Path, command: str, name: str) -> None:
    content, line = CONTENTS[name]
    (tmp_path / "config.yml").write_bytes(content)
    flags = ["--from=2026-01-01"] if command == "backfill" else []
    assert said(tmp_path, command, *flags) == (1, "", f"{line}\n")


def test_a_missing_file_or_a_directory_is_one_line_and_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    remedy = "start from the one in resource-exporter check --help, or run resource-exporter demo, which needs none"
    assert said(tmp_path, "serve") == (1, "", f"config.yml: file does not exist; fix: {remedy}\n")
    path.mkdir()
    assert said(tmp_path, "serve") == (1, "", "config.yml: cannot be read: Is a directory\n")


def test_a_reload_rejects_all_of_them(tmp_path: Path, known_ledger: str) -> None:
    path = tmp_path / "config.yml"
    loaded = "resource_exporter_config_last_reload_successful {:.1f}\n"
    with serving(tmp_path, known_ledger, flags=["--web.enable-lifecycle"]) as exporter:
        before = exporter.data()
        for content, line in CONTENTS.values():
            path.write_bytes(content)
            reply = exporter.get("/-/reload", "POST")
            assert (reply.status, reply.body.decode()) == (500, f"reload failed: {tmp_path}/{line}\n")
        path.unlink()
        assert exporter.get("/-/reload", "POST").status == 500
        exporter.until(lambda: loaded.format(0) in exporter.page())
        assert exporter.data() == before
        path.write_text(RIGHT)
        assert exporter.get("/-/reload", "POST").status == 200
        exporter.until(lambda: loaded.format(1) in exporter.page())
