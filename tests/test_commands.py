"""The commands on the pages: they are run, or read by the parser of their program, or have only known flags."""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from bench.__main__ import _arguments as bench
from bench.soak.__main__ import _arguments as soak
from exporter.cli import _parser
from tests.blocks import SPANS, Block, of
from tests.conftest import ROOT
from tests.deploy.test_compose import SERVICES
from tests.rules.rulebook import UNIT_TESTS
from tests.rules.test_end_to_end import NOTIFY, QUERIES, START
from tests.test_project import TARGETS
from tests.web.test_documentation import COMMANDS as RUN

SHELL = [block for block in of("sh") if block.text != RUN]
DOCKER = """
--build-arg --cap-drop --detach --memory --name --pids-limit --profile --publish --read-only --restart --security-opt
--signal --tag --volume
"""
NOT_RUN: Mapping[str, tuple[str, str]] = {
    "apt-get": ("changes the machine", "--no-install-recommends"),
    "chown": ("needs a user of Prometheus", "-R"),
    "docker": ("CI has no Docker engine; tests/deploy/test_image.py builds and runs the image with Podman", DOCKER),
    "echo": ("changes the machine", ""),
    "helm": (
        "needs a cluster; tests/deploy/test_chart.py installs without one",
        "--create-namespace --logs --namespace --values",
    ),
    "install": ("changes the machine; tests/deploy/test_systemd.py compares the paths", "-d -m -t"),
    "journalctl": ("needs systemd", "--follow --unit"),
    "kill": ("needs a Prometheus of its own", "-HUP"),
    "kubectl": (
        "needs a cluster; tests/deploy/test_kubernetes.py reads them",
        "--from-file --from-literal --namespace -k",
    ),
    "mkdir": ("changes the machine", "-p"),
    "pip": ("needs a registry; tests/package builds and installs the wheel", "--no-deps --wheel-dir"),
    "pipx": ("needs a registry", ""),
    "python3.11": ("changes the machine", "-m"),
    "systemctl": ("needs systemd", "--now"),
    "uv": ("needs a registry", ""),
}
"""Programs that no test runs as on the pages, why, and the flags of theirs that exist."""


def _lines(block: Block) -> Iterator[list[str]]:
    """The words of each command, without comments."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if words := shlex.split(line, comments=True):
            yield words[1:] if words[0] == "sudo" else words


LINES = [pytest.param(block, words, id=f"{block}: {' '.join(words)}") for block in SHELL for words in _lines(block)]


def _program(words: Sequence[str]) -> str:
    return Path(words[0]).name


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_the_shell_parses_the_block(block: Block) -> None:
    parsed = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert (parsed.returncode, parsed.stderr) == (0, "")


@pytest.mark.prometheus("promtool")
@pytest.mark.parametrize("block, words", LINES)
def test_a_command_is_run_or_its_arguments_are_known(
    block: Block, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    match _program(words):
        case "export":
            assert f"dsn_env: {words[1].partition('=')[0]}" in (ROOT / block.page).read_text(encoding="utf-8")
        case "make":
            _make(words[1:], monkeypatch)
        case "resource-exporter":
            _parser().parse_args(words[1 : words.index(">") if ">" in words else None])
        case "prometheus" | "alertmanager":
            assert " ".join(words) in {START, NOTIFY}
        case "promtool":
            PROMTOOL[words[1], words[2]](words, tmp_path)
        case program:
            _known(NOT_RUN[program][1], words)


def _make(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Check a target and its variables; ARGS are those of pytest or of a benchmark."""
    target, *pairs = words
    variables = dict(pair.split("=", 1) for pair in pairs)
    arguments = shlex.split(variables.pop("ARGS", ""))
    assert target in TARGETS
    assert variables.keys() <= ({"SIZE"} if target == "bench" else set())
    monkeypatch.setattr("sys.argv", [target, *arguments, *(["--size", variables["SIZE"]] if variables else [])])
    if target in {"bench", "soak"}:
        (bench if target == "bench" else soak)()
    else:
        assert target == "test" or not arguments
        assert [word for word in arguments if word.startswith("tests/") and not (ROOT / word).exists()] == []


def _run(words: Sequence[str], directory: Path) -> None:
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _import_nothing(words: Sequence[str], directory: Path) -> None:
    (directory / "history.om").write_text("# EOF\n")
    _run([*words[:-1], str(directory / "data")], directory)


def _test_all_rules(words: Sequence[str], _directory: Path) -> None:
    assert sorted(ROOT.glob(words[3])) == UNIT_TESTS


def _query(words: Sequence[str], _directory: Path) -> None:
    assert list(words) in [shlex.split(line) for line in QUERIES]


PROMTOOL: Mapping[tuple[str, str], Callable[[Sequence[str], Path], None]] = {
    ("check", "config"): lambda words, _directory: _run(words, ROOT),
    ("test", "rules"): _test_all_rules,
    ("query", "instant"): _query,
    ("tsdb", "create-blocks-from"): _import_nothing,
}


def _known(flags: str, words: Sequence[str]) -> None:
    """Check the flags, the files of the repository, the profile of Compose, and a command for the exporter inside."""
    outer, inner = words, []
    for at in range(1, len(words) - 1):
        if words[at] == "resource-exporter" and words[at + 1] in {"serve", "check", "backfill"}:
            outer, inner = words[:at], list(words[at + 1 :])
    if inner:
        _parser().parse_args(inner)
    assert {word.partition("=")[0] for word in outer if word.startswith("-")} <= {*flags.split(), "--"}
    files = re.findall(r"(?<!\S)(?:checkout/)?((?:deploy|grafana|rules)/\S+)", " ".join(outer))
    assert [file for file in files if not (ROOT / file).exists()] == []
    profiles = {profile for service in SERVICES.values() for profile in service.get("profiles", [])}
    assert set(re.findall(r"--profile (\S+)", " ".join(outer))) <= profiles


@pytest.mark.parametrize("span", sorted(filter(re.compile(r"resource-exporter [a-z]+ -").match, SPANS)))
def test_a_command_of_the_exporter_in_the_text_is_parsed(span: str) -> None:
    _parser().parse_args(shlex.split(span)[1:])


def test_every_program_that_is_not_run_is_on_a_page() -> None:
    assert NOT_RUN.keys() <= {_program(words) for block in SHELL for words in _lines(block)}
