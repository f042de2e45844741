"""A private PostgreSQL 18 out of a Python wheel, for the demo and for the tests."""

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
        "dynamic_shared_memory_type": "mmap",  # within the directory: /dev/shm is small in containers and outlives a crash
        "timezone": "UTC",
        "log_timezone": "UTC",
        # The data lives no longer than its directory, so a crash must spare it, but a power cut need not.
        "fsync": "off",
        "full_page_writes": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
    }
)
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class Server:
    """One PostgreSQL in one private directory, with the superuser ``postgres`` and a unix socket as its only door.

    It is a child of this process, in a process group of its own: Ctrl-C in a terminal reaches it through its owner only.
    """

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
        """The process id of the postmaster, None while the server is stopped."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def conninfo(self, database: str = "postgres") -> str:
        """The libpq connection string of one of the server's databases."""
        return make_conninfo(host=str(self.directory), port=self._settings["port"], user="postgres", dbname=database)

    def create(self) -> None:
        """Make the data directory. Text sorts by code point, whatever the locale of the machine.

        Raises:
            EmbeddedPostgresError: the directory's path is too long, or initdb failed.
        """
        if len(os.fsencode(self.directory / f".s.PGSQL.{self._settings['port']}")) > LONGEST_SOCKET:
            raise EmbeddedPostgresError(f"{self.directory} is too long a path for a unix socket: set TMPDIR to a shorter one")
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--no-instructions", *COLLATION]
        try:
            with held():
                self._process = self._spawn("initdb", f"--pgdata={self._data}", *options)
            code = self._process.wait()
        except BaseException:
            self._kill()
            raise
        if code:
            raise EmbeddedPostgresError(f"the embedded PostgreSQL cannot be set up: {self._last_words()}")

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            EmbeddedPostgresError: it ended at once, or is not ready after 30 s.
        """
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        with held():
            self._process = self._spawn("postgres", "-D", self._data, *options)
        deadline = time.monotonic() + START_TIMEOUT
        while not self._ready():
            if self.pid is None or time.monotonic() > deadline:
                self.stop(signal.SIGQUIT)
                raise EmbeddedPostgresError(f"the embedded PostgreSQL does not start: {self._last_words()}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server and wait for it; one that is stopped already stays so.

        ``SIGINT`` rolls open transactions back. ``SIGQUIT`` is what a crash looks like to clients: no checkpoint, and recovery
        at the next start. After a ``SIGKILL`` busy sessions would live on and keep the server from starting again.
        """
        if self._process:
            for each in (signal.SIGCONT, how):  # it may have been frozen
                self._process.send_signal(each)
            self._process.wait()

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop as :meth:`stop` does and start again: same data, same connection strings."""
        self.stop(how)
        self.start()

    def _spawn(self, program: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """The account may not be able to read the current directory, so a program gets that of the server."""
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
        """End a program at once, with those that it has started, and wait until none of them writes any more."""
        if self._process is None:
            return
        deadline = time.monotonic() + KILL_TIMEOUT
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            while time.monotonic() < deadline:  # those that are orphans now are somebody else's to reap
                os.killpg(self._process.pid, 0)
                time.sleep(0.01)

    def _ready(self) -> bool:
        """The first line of the pid file is compared because a crashed server leaves its own, still saying "ready"."""
        try:
            lines = (self._data / "postmaster.pid").read_text().split()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(self.pid)] and lines[-1] == "ready"

    def _last_words(self) -> str:
        said = self.log.read_text(errors="replace")
        faults = re.findall(r"(?:FATAL|error): +(.*)", said)
        return (faults or said.splitlines() or ["it said nothing"])[-1]


@contextmanager
def running(directory: Path | None = None, settings: Mapping[str, str] = NO_SETTINGS) -> Iterator[Server]:
    """A started server in a new directory under ``directory`` (default: the system's place for temporary files).

    At the end, on an exception (a signal handler's too) and when the interpreter exits, the server is stopped and the directory
    removed. SIGKILL leaves both behind: a ``postgres`` process and ``resource-exporter-*``. Remove the directory, and the
    server, which looks for its pid file once a minute, ends by itself. Root runs it as ``nobody``, for PostgreSQL refuses root.

    Raises:
        EmbeddedPostgresError: not installed, or does not start.
    """
    with ExitStack() as stack:
        with held():
            private = stack.enter_context(TemporaryDirectory(prefix="resource-exporter-", dir=directory))
        atexit.register(stack.close)  # after the directory, which removes itself at exit too: the server must be stopped before
        stack.callback(atexit.unregister, stack.close)
        server = Server(Path(private), settings)
        server.create()
        stack.callback(server.stop, signal.SIGQUIT)  # nothing is worth a checkpoint: the data goes with the directory
        server.start()
        yield server


@contextmanager
def embedded(directory: Path | None = None) -> Iterator[str]:
    """The connection string of a private PostgreSQL that lives as long as the context; see :func:`running`."""
    with running(directory) as server:
        yield server.conninfo()
