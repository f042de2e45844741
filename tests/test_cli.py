"""What the command line says of arguments that it does not understand: one line, and what was most likely meant."""

from pathlib import Path

import pytest

from exporter.cli import main

HELP = "; resource-exporter{} --help lists all flags\n"


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "resource-exporter: name a command first, one of serve, check, backfill, demo" + HELP),
        (["srve"], "resource-exporter: unknown command 'srve'; did you mean serve?" + HELP),
        (["xyzzy"], "resource-exporter: unknown command 'xyzzy'; use serve, check, backfill, demo" + HELP),
        (
            ["--config.file=x.yml", "serve"],
            "resource-exporter: name a command first, one of serve, check, backfill, demo" + HELP,
        ),
        (["serve", "--web.listn-address=:1"], "unknown flag --web.listn-address; did you mean --web.listen-address?" + HELP),
        (["check", "--config-file=x.yml"], "unknown flag --config-file; did you mean --config.file?" + HELP),
        (["demo", "--seeds=1"], "unknown flag --seeds; did you mean --seed?" + HELP),
        (["check", "--xyzzy=1"], "unknown flag --xyzzy" + HELP),
        (["check", "--web.listen-address=:1"], "unknown flag --web.listen-address" + HELP),
        (["check", "config.yml"], "a file or an address needs its flag, such as --config.file=config.yml" + HELP),
        (["check", "postgresql://u:hunter2@host/db"], "unexpected '…': a file or an address needs its flag"),
        (["check", "--dsn=postgresql://u:hunter2@host/db"], "unknown flag --dsn"),
        (["serve", "--log.level=loud"], "argument --log.level: 'loud' must be one of debug, info, warn, error" + HELP),
        (["demo", "--seed=x"], "argument --seed: invalid int value: 'x'" + HELP),
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
def test_a_file_that_is_not_there_leads_to_the_demo_and_the_example(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.yml"
    assert main([*command, f"--config.file={file}"]) == 1
    assert capsys.readouterr().err == (
        f"{file}: there is no such file; write it after examples/config.yml and docs/configuration.md,"
        " or try resource-exporter demo, which needs none\n"
    )


def test_what_is_named_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).parents[1]
    assert (root / "examples/config.yml").is_file()
    assert (root / "docs/configuration.md").is_file()
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--help"])
    assert ended.value.code == 0
    assert "--seed" in capsys.readouterr().out
