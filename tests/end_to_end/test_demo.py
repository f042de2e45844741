"""``resource-exporter demo`` serves all metrics and leaves nothing behind, whenever it is stopped."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from exporter.demo.run import FAREWELL
from exporter.sections import SECTIONS
from tests.end_to_end.process import Exporter, running
from tests.waiting import DEADLINE

pytestmark = pytest.mark.slow
Moment = Callable[[Path, Path], bool]
"""Whether the moment has come, by the directory of temporary files and the file of standard output."""


def _directories(temporary: Path) -> bool:
    return any(temporary.iterdir())


def _initializing(temporary: Path) -> bool:
    return any(temporary.glob("*/data/base"))


def _starting(temporary: Path) -> bool:
    return any(temporary.glob("*/data/postmaster.pid"))


MOMENTS: dict[str, Moment] = {
    "its directories are created": lambda temporary, _: _directories(temporary),
    "PostgreSQL is being initialized": lambda temporary, _: _initializing(temporary),
    "PostgreSQL is being started": lambda temporary, _: _starting(temporary),
    "the history begins": lambda _, out: "starting" in out.read_text() and _connected(out),
    "the history is being written": lambda _, out: "writing the history: 12 of" in out.read_text(),
    "the history is nearly written": lambda _, out: "writing the history: 35 of" in out.read_text(),
    "the history is written": lambda _, out: "writing the history: 46 of" in out.read_text(),
}


def _connected(out: Path) -> bool:
    """Whether PostgreSQL has its socket, so that the first connection follows."""
    return any((out.parent / "tmp").glob("*/.s.PGSQL.5432"))


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A directory for temporary files of this test only, whose path is short enough for a unix socket."""
    with TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)  # PostgreSQL does not run as root
        yield Path(directory)


def left(temporary: Path) -> list[str]:
    """The command lines of the processes whose working directory is in this directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(temporary):
                found.append((process / "cmdline").read_text())
        except OSError:  # it has exited, or is a zombie
            continue
    return found


def started(directory: Path, temporary: Path) -> Exporter:
    arguments = [sys.executable, "-m", "exporter", "demo", "--web.listen-address=127.0.0.1:0"]
    with (directory / "err").open("w") as err, (directory / "out").open("w") as out:
        process = subprocess.Popen(arguments, stderr=err, stdout=out, text=True, env=os.environ | {"TMPDIR": str(temporary)})
    return Exporter(process, directory / "err")


def says_where_it_is(said: str, port: int, paths: set[str]) -> None:
    """The output to a file names each address once, and has no control characters."""
    assert said.startswith("starting a private PostgreSQL\nwriting the history: 12 of 46 days\n")
    assert not set(said) & {"\x1b", "\r"}
    for path in paths:
        assert said.count(f"http://127.0.0.1:{port}{path} ") == 1
    assert said.count("//127.0.0.1") == len(paths)


@pytest.mark.prometheus("promtool")
@pytest.mark.parametrize("how, path", [(signal.SIGTERM, "/metrics"), (signal.SIGINT, "/")])
def test_the_demo_shows_everything_and_leaves_nothing_behind(
    tmp_path: Path, temporary: Path, how: signal.Signals, path: str
) -> None:
    with running(tmp_path, "demo", f"--web.telemetry-path={path}", TMPDIR=str(temporary)) as exporter:
        exporter.wait()
        page = exporter.get(path).body.decode()
        names = {metric.name for section in SECTIONS.values() for metric in section.METRICS}
        early = {
            "resource_quest_projected_spend_usd",
            "resource_quest_budget_projected_spend_usd",
        }  # absent in the first half hour of the day
        assert {line.partition("{")[0].partition(" ")[0] for line in page.splitlines()} >= names - early
        checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
        out = tmp_path / "exporter.out"
        exporter.until(lambda: "Ctrl-C" in out.read_text())
        says_where_it_is(out.read_text(), exporter.port, {"/", path})
        assert list(temporary.iterdir())
        assert exporter.stop(how) == 0
    assert "Traceback" not in exporter.log.read_text()
    assert FAREWELL not in (tmp_path / "exporter.out").read_text()
    assert not list(temporary.iterdir())
    assert left(temporary) == []


@pytest.mark.prometheus("promtool")
def test_the_demo_of_a_litellm_proxy_shows_all_that_its_database_tells(tmp_path: Path, temporary: Path) -> None:
    with running(tmp_path, "demo", "--profile=litellm", TMPDIR=str(temporary)) as exporter:
        exporter.wait()
        page = exporter.page()
        names = {line.partition("{")[0] for line in page.splitlines()}
        assert {"resource_quest_budget_spend_usd", "resource_quest_impact_score", "resource_wasted_task_tokens"} <= names
        assert 'profile="litellm"' in page
        checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
        assert exporter.stop() == 0
    assert "Traceback" not in exporter.log.read_text()
    assert not list(temporary.iterdir())
    assert left(temporary) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_it_can_be_stopped_at_any_moment(tmp_path: Path, temporary: Path, moment: Moment, how: signal.Signals) -> None:
    (tmp_path / "tmp").symlink_to(temporary)
    exporter = started(tmp_path, temporary)
    try:
        exporter.until(lambda: moment(temporary, tmp_path / "out"))
        assert exporter.stop(how) == 0
    finally:
        exporter.process.kill()
        exporter.process.wait()
    assert (tmp_path / "err").read_text() == ""
    assert (tmp_path / "out").read_text().splitlines()[-1] == FAREWELL
    assert (tmp_path / "out").read_text().count(FAREWELL) == 1
    assert not list(temporary.iterdir())
    assert left(temporary) == []


def test_a_port_in_use_is_refused_before_anything_is_created(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = subprocess.run(
            [sys.executable, "-m", "exporter", "demo", f"--web.listen-address={address}"],
            env=os.environ | {"TMPDIR": str(tmp_path / "nowhere")},  # where nothing can be created
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE,
        )
    assert (ended.returncode, ended.stdout) == (1, "")
    reason = "Address already in use; fix: choose another address, or stop the program that uses it"
    assert ended.stderr == f"--web.listen-address={address}: {reason}\n"
