"""The completion scripts, in a real shell."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from exporter.cli import COMMANDS, _parser
from exporter.completion import SHELLS, script

# Calls the function that is registered, as bash does when the key is pressed. Words are split at "=" as in COMP_WORDBREAKS.
PRESS_TAB = """
source completion
[[ $(complete -p resource-exporter) =~ -F\\ ([^ ]+) ]]
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
"${BASH_REMATCH[1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with the script for bash, and with files to complete."""
    (tmp_path / "completion").write_text(script(_parser(), "bash"))
    for name in ("my.yml", "my other.yml", "web.yml"):
        (tmp_path / name).touch()
    return tmp_path


def completed(directory: Path, line: str) -> list[str]:
    words = [word for word in re.split(r" |(=)", line) if word is not None]
    words = [word for number, word in enumerate(words) if word or number == len(words) - 1]
    if words[-2:] == ["=", ""]:
        words.pop()
    command = ["bash", "--norc", "-u", "-c", PRESS_TAB, "bash", *words]
    ended = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    return sorted(filter(None, ended.stdout.split("\n")))


@pytest.mark.parametrize(
    "line, expected",
    [
        ("resource-exporter ", sorted(COMMANDS)),
        ("resource-exporter ba", ["backfill"]),
        ("resource-exporter --v", ["--version"]),
        ("resource-exporter serve --web.c", ["--web.config.file"]),
        ("resource-exporter check --web.c", []),
        ("resource-exporter serve --config.file m", ["my other.yml", "my.yml"]),
        ("resource-exporter serve --config.file=m", ["my other.yml", "my.yml"]),
        ("resource-exporter serve --config.file=", ["completion", "my other.yml", "my.yml", "web.yml"]),
        ("resource-exporter serve --config.file=my.yml --web.config.file=w", ["web.yml"]),
        ("resource-exporter serve --config.file=my.yml --log.f", ["--log.format"]),
        ("resource-exporter check --log.level=", ["debug", "error", "info", "warn"]),
        ("resource-exporter demo --profile=l", ["litellm"]),
        ("resource-exporter completion ", ["bash", "fish", "zsh"]),
    ],
)
def test_bash_completes_commands_flags_values_and_files(directory: Path, line: str, expected: list[str]) -> None:
    assert completed(directory, line) == expected


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_has_every_command_and_flag(shell: str) -> None:
    text = script(_parser(), shell)
    flags = {flag for command in COMMANDS for flag in _flags(command)}
    # fish writes --config.file as -l config.file.
    assert [name for name in (*COMMANDS, *(flag.removeprefix("--") for flag in flags)) if name not in text] == []


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_can_parse_the_script(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(script(_parser(), shell))
    subprocess.run([shell, "-n", tmp_path / "script"], check=True)


def _flags(command: str) -> list[str]:
    (commands,) = (action.choices for action in _parser()._actions if isinstance(action.choices, dict))
    return [flag for action in commands[command]._actions for flag in action.option_strings if flag.startswith("--")]
