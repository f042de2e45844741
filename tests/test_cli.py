"""Wrong arguments are answered with one line that names the nearest valid command or flag."""

import re
import subprocess
from pathlib import Path

import pytest

from exporter.cli import COMMANDS, _parser, main
from exporter.config import load
from exporter.flags import parse

HELP = "; resource-exporter{} --help lists all flags\n"


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "resource-exporter: the first argument must be a command, one of serve, check, backfill, demo, completion" + HELP),
        (["srve"], "resource-exporter: unknown command 'srve'; did you mean serve?" + HELP),
        (
            ["xyzzy"],
            "resource-exporter: unknown command 'xyzzy'; must be one of serve, check, backfill, demo, completion" + HELP,
        ),
        (
            ["--config.file=x.yml", "serve"],
            "resource-exporter: the first argument must be a command, one of serve, check, backfill, demo, completion" + HELP,
        ),
        (["serve", "--web.listn-address=:1"], "unknown flag --web.listn-address; did you mean --web.listen-address?" + HELP),
        (["check", "--config-file=x.yml"], "unknown flag --config-file; did you mean --config.file?" + HELP),
        (["demo", "--seeds=1"], "unknown flag --seeds; did you mean --seed?" + HELP),
        (["check", "--xyzzy=1"], "unknown flag --xyzzy" + HELP),
        (["check", "--web.listen-address=:1"], "unknown flag --web.listen-address" + HELP),
        (["check", "config.yml"], "pass a file or an address with its flag, such as --config.file=config.yml" + HELP),
        (["check", "postgresql://u:hunter2@host/db"], "unexpected argument '…'; fix: pass a file or an address with its flag"),
        (["check", "--dsn=postgresql://u:hunter2@host/db"], "unknown flag --dsn"),
        (["serve", "--log.level=loud"], "argument --log.level: 'loud' must be one of debug, info, warn, error" + HELP),
        (["demo", "--profile=x"], "argument --profile: 'x' must be one of scidex, litellm" + HELP),
        (["demo", "--seed=x"], "argument --seed: invalid int value: 'x'" + HELP),
        (["completion", "tcsh"], "argument SHELL: 'tcsh' must be one of bash, zsh, fish" + HELP),
        (["completion"], "the following arguments are required: SHELL" + HELP),
        (["backfill"], "the following arguments are required: --from" + HELP),
    ],
)
def test_wrong_arguments_are_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    prog = f" {arguments[0]}" if arguments and not said.startswith("resource-exporter:") else ""
    assert said.format(prog) in captured.err
    assert captured.err.count("\n") == 1
    assert "hunter2" not in captured.err


@pytest.mark.parametrize("command", [["serve"], ["check"], ["backfill", "--from=2026-01-01"]])
def test_a_missing_configuration_file_points_to_the_help_and_the_demo(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.yml"
    assert main([*command, f"--config.file={file}"]) == 1
    assert capsys.readouterr().err == (
        f"{file}: file does not exist; fix: start from the one in resource-exporter check --help,"
        " or run resource-exporter demo, which needs none\n"
    )


def test_the_help_has_a_configuration_that_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "--help"])
    assert ended.value.code == 0
    line = next(each for each in capsys.readouterr().out.splitlines() if each.endswith("> my.yml"))
    subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, check=True)
    assert load(tmp_path / "my.yml").ledgers.keys() == {"costs"}


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_ends_with_examples_that_the_parser_accepts(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*filter(None, [command]), "--help"])
    assert ended.value.code == 0
    _, examples = capsys.readouterr().out.split("\nexamples:\n")
    commands = [
        part.split("  ")[0].split(" > ")[0] for line in examples.splitlines() for part in re.split("&& |<\\(", line.strip())
    ]
    known = [part.rstrip(")").split()[1:] for part in commands if part.startswith("resource-exporter ")]
    assert known
    for arguments in known:
        if arguments[-1] != "--help":
            assert parse(_parser(), COMMANDS, arguments).command
