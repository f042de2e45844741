"""A private PostgreSQL 18 from a Python wheel, for the demo and the tests."""

import atexit
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from psycopg.conninfo import make_conninfo

from exporter.demo.binaries import EmbeddedPostgresError, account, programs
from exporter.demo.ending import held

START_TIMEOUT = 30.0
KILL_TIMEOUT = 0.5
LONGEST_SOCKET = 107
COLLATION = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")

SETTINGS = MappingProxyType(
    {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_permissions": "0700",
        "dynamic_shared_memory_type": "mmap",  # files in the directory: /dev/shm is small in containers and survives a crash
        "timezone": "UTC",
        "log_timezone": "UTC",
        # The data is temporary: it must survive a crash of the server, but not of the machine.
        "fsync": "off",
        "full_page_writes": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
    }
)
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class Server:
    """A PostgreSQL in a private directory, with the superuser ``postgres``. It listens on a unix socket only.

    It is a child of this process in its own process group, so Ctrl-C in a terminal does not reach it directly.
    """

    collation: tuple[str, ...] = COLLATION
    """The options of initdb by which text sorts by code point, independent of the machine's locale."""

    def __init__(self, directory: Path, settings: Mapping[str, str]) -> None:
        self.directory = directory
        self.log = directory / "log"
        self._data = directory / "data"
        self._settings = {**SETTINGS, "unix_socket_directories": str(directory), **settings}
        self._account = account()
        self._programs = programs(directory, self._account)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the postmaster; None while the server is stopped."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def conninfo(self, database: str = "postgres") -> str:
        """The libpq connection string of one of the server's databases."""
        return make_conninfo(host=str(self.directory), port=self._settings["port"], user="postgres", dbname=database)

    def create(self) -> None:
        """Create the data directory.

        Raises:
            EmbeddedPostgresError: the path of the directory is too long for a unix socket, or initdb failed.
        """
        if len(os.fsencode(self.directory / f".s.PGSQL.{self._settings['port']}")) > LONGEST_SOCKET:
            raise EmbeddedPostgresError(f"{self.directory} is too long for a unix socket; fix: set TMPDIR to a shorter path")
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--no-instructions", *self.collation]
        try:
            with held():
                self._process = self._spawn("initdb", f"--pgdata={self._data}", *options)
            code = self._process.wait()
        except BaseException:
            self._kill()
            raise
        if code:
            raise EmbeddedPostgresError(f"the embedded PostgreSQL cannot be initialized: {self._last_error()}")

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            EmbeddedPostgresError: it exited, or is not ready after 30 s.
        """
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        with held():
            self._process = self._spawn("postgres", "-D", self._data, *options)
        deadline = time.monotonic() + START_TIMEOUT
        while not self._ready():
            if self.pid is None or time.monotonic() > deadline:
                self.stop(signal.SIGQUIT)
                raise EmbeddedPostgresError(f"the embedded PostgreSQL does not start: {self._last_error()}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server and wait for it. A stopped server stays stopped.

        ``SIGINT`` rolls back open transactions. ``SIGQUIT`` looks like a crash to clients: no checkpoint, and recovery at the
        next start. Do not use ``SIGKILL``: busy sessions would survive it and prevent the next start.
        """
        if self._process:
            for each in (signal.SIGCONT, how):  # it may be stopped by SIGSTOP
                self._process.send_signal(each)
            self._process.wait()

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop as :meth:`stop` does and start again, with the same data and the same connection strings."""
        self.stop(how)
        self.start()

    def _spawn(self, program: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Start a program in the server's directory: the account may not be able to read the current one."""
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own binary and arguments
                [self._programs / program, *arguments],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                **self._account,
            )

    def _kill(self) -> None:
        """Kill a program and its children, and wait until none of them writes any more."""
        if self._process is None:
            return
        deadline = time.monotonic() + KILL_TIMEOUT
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            while time.monotonic() < deadline:  # its children are orphans now, and init reaps them
                os.killpg(self._process.pid, 0)
                time.sleep(0.01)

    def _ready(self) -> bool:
        """Whether the server accepts connections. The pid is compared because a crashed server leaves its pid file behind."""
        try:
            lines = (self._data / "postmaster.pid").read_text().split()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(self.pid)] and lines[-1] == "ready"

    def _last_error(self) -> str:
        log = self.log.read_text(errors="replace")
        errors = re.findall(r"(?:FATAL|error): +(.*)", log)
        return (errors or log.splitlines() or ["its log is empty"])[-1]


@contextmanager
def running(
    directory: Path | None = None, settings: Mapping[str, str] = NO_SETTINGS, kind: type[Server] = Server
) -> Iterator[Server]:
    """Start a server in a new directory under ``directory`` (default: the system's directory for temporary files).

    The server is stopped and the directory removed at the end of the context, after an exception (also one of a signal
    handler), and when the interpreter exits. SIGKILL leaves both behind: remove the directory ``resource-exporter-*``, and the
    server stops within a minute, because it checks for its pid file. Root runs it as ``nobody``: PostgreSQL refuses root.

    Raises:
        EmbeddedPostgresError: it is not installed, or does not start.
    """
    with ExitStack() as stack:
        with held():
            private = stack.enter_context(TemporaryDirectory(prefix="resource-exporter-", dir=directory))
        atexit.register(stack.close)  # runs before the directory's own handler, so the server is stopped before the removal
        stack.callback(atexit.unregister, stack.close)
        server = kind(Path(private), settings)
        server.create()
        stack.callback(server.stop, signal.SIGQUIT)  # no checkpoint: the data is removed with the directory
        server.start()
        yield server


@contextmanager
def embedded(directory: Path | None = None) -> Iterator[str]:
    """Start a private PostgreSQL for the duration of the context; yields its connection string. See :func:`running`."""
    with running(directory) as server:
        yield server.conninfo()
