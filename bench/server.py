"""A PostgreSQL of the distribution in a directory of its own: the same settings for everybody who reads from it."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bench.processes import BenchError, free_port
from exporter.demo.binaries import account

DEBIAN: Final = Path("/usr/lib/postgresql")
INSTALL: Final = (
    "the bench needs PostgreSQL 14 or later with pg_stat_statements: apt-get install --no-install-recommends postgresql"
    " (bench/README.md says how to keep it from starting a server)"
)
START_TIMEOUT: Final = 30.0
OLDEST: Final = 14
# For 8 GB of memory and an SSD; nothing is kept from one run to the next, so nothing is flushed.
SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0777",
    "timezone": "UTC",
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track_planning": "on",
    "shared_buffers": "2GB",
    "effective_cache_size": "6GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "random_page_cost": "1.1",
    "jit": "off",  # for questions like these it costs more than it saves
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",  # tables are vacuumed after they are filled; nothing runs beside a measurement
}
_DATABASE_TIME = """
SELECT coalesce(sum(total_exec_time + total_plan_time), 0), coalesce(sum(calls), 0)
  FROM pg_stat_statements WHERE userid = %s::regrole
"""


class Server:
    """A server in a directory of its own; ``postgres`` is its superuser, and it trusts everybody on this machine."""

    def __init__(self, programs: Path, home: Path) -> None:
        self.port = free_port()
        self._home = home
        self._programs = programs
        self._surroundings = {**account(), "cwd": home, "stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the postmaster, None while the server is stopped."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def version(self) -> str:
        """As the server says it."""
        version: str = self._ask(sql.SQL("SHOW server_version"))[0][0]
        return version

    def create(self) -> None:
        """Make the data directory; raises BenchError."""
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        command = [str(self._programs / "initdb"), f"--pgdata={self._home / 'data'}", *options]
        with self._log() as log:
            finished = subprocess.run(command, stdout=log, check=False, **self._surroundings)  # noqa: S603 - our own arguments
        if finished.returncode:
            raise BenchError(f"initdb failed: {self._last_words()}")

    def start(self) -> None:
        """Start the server, with the data and the port that it had, and wait until it answers; raises BenchError."""
        settings = {**SETTINGS, "port": str(self.port), "unix_socket_directories": str(self._home)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        with self._log() as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                [str(self._programs / "postgres"), f"-D{self._home / 'data'}", *options],
                stdout=log,
                process_group=0,
                **self._surroundings,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            if self.pid is None or time.monotonic() > deadline:
                raise BenchError(f"PostgreSQL does not start: {self._last_words()}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server and wait for it; one that is stopped already stays so. ``SIGINT`` rolls open transactions back."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait()

    def conninfo(self, database: str = "postgres", user: str = "postgres") -> str:
        """The libpq connection string, over the unix socket."""
        return make_conninfo(host=str(self._home), port=str(self.port), user=user, dbname=database)

    def create_database(self, name: str) -> str:
        """Make an empty database and return its connection string."""
        self._ask(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        return self.conninfo(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self._ask(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def create_role(self, name: str) -> None:
        """Make a role that may read everything; its statements are told apart by it."""
        self._ask(sql.SQL("CREATE ROLE {} LOGIN IN ROLE pg_read_all_data").format(sql.Identifier(name)))

    def look_first_into(self, role: str, schema: str) -> None:
        """Let a role find the tables and views of a schema before those of ``public``."""
        self._ask(sql.SQL("ALTER ROLE {} SET search_path = {}, public").format(sql.Identifier(role), sql.Identifier(schema)))

    def count_statements(self) -> None:
        """Have the time of all statements added up from now on."""
        self._ask(sql.SQL("CREATE EXTENSION pg_stat_statements"))

    def database_time(self, role: str) -> tuple[float, int]:
        """Milliseconds that the role's statements took, planning included, and how many there were."""
        milliseconds, calls = self._ask(sql.SQL(_DATABASE_TIME), [role])[0]
        return float(milliseconds), int(calls)

    def _ask(self, query: sql.SQL | sql.Composed, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.conninfo(), autocommit=True) as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def _answers(self) -> bool:
        try:
            self._ask(sql.SQL("SELECT 1"))
        except psycopg.OperationalError:
            return False
        return True

    def _log(self) -> BinaryIO:
        return (self._home / "log").open("ab")

    def _last_words(self) -> str:
        return ((self._home / "log").read_text(errors="replace").splitlines() or ["it said nothing"])[-1]


@contextmanager
def running(directory: Path | None = None) -> Iterator[Server]:
    """The newest PostgreSQL of the distribution, with nothing in it; stopped and removed at the end.

    Raises:
        BenchError: it is not installed, or does not start.
    """
    programs = _programs()
    with TemporaryDirectory(prefix="bench-", dir=directory) as private:
        home = Path(private)
        if as_account := account():
            shutil.chown(home, as_account["user"], as_account["group"])
        home.chmod(0o755)  # the exporter and its peers may run as another user
        server = Server(programs, home)
        server.create()
        try:
            server.start()
            server.count_statements()
            yield server
        finally:
            server.stop()


def _programs() -> Path:
    found = [path for path in DEBIAN.glob("*/bin") if (path / "initdb").exists()]
    newest = max(found, key=lambda path: int(path.parent.name), default=None)
    if newest is None or int(newest.parent.name) < OLDEST:
        raise BenchError(INSTALL)
    return newest
