"""PgBouncer in transaction mode: each transaction may be on another connection, and the server may be started again."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from exporter.demo.binaries import account
from exporter.demo.postgres import Server
from exporter.demo.postgres import running as server
from tests.conftest import LEDGER, SCHEMA
from tests.distributed.servers import DebianServer, run
from tests.end_to_end.process import serving
from tests.faults.stage import QUICK, down, spend, until_exact
from tests.waiting import until

CONFIGURATION = """
[databases]
postgres = host={host} port=5432 dbname=postgres user=postgres
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {directory}
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""


@contextmanager
def pooling(behind: Server) -> Iterator[str]:
    """A PgBouncer in front of a server; yields the connection string."""
    directory = behind.directory
    file = directory / "pgbouncer.ini"
    file.write_text(CONFIGURATION.format(host=directory, directory=directory))
    file.chmod(0o644)  # as root, PgBouncer runs as somebody else, who may read it whatever the umask
    log = directory / "pgbouncer.log"
    with log.open("w") as output:
        process = subprocess.Popen(["pgbouncer", str(file)], cwd=directory, stderr=output, **account())
    try:
        until((directory / ".s.PGSQL.6432").exists, lambda: f"PgBouncer does not start: {log.read_text()}")
        yield make_conninfo(host=str(directory), port="6432", user="postgres", dbname="postgres")
    finally:
        process.terminate()
        process.wait()


@pytest.mark.slow
@pytest.mark.prometheus("pgbouncer")
def test_pgbouncer_in_transaction_mode(tmp_path: Path) -> None:
    with server(kind=DebianServer) as postgres, pooling(postgres) as conninfo:
        run(postgres.conninfo(), SCHEMA.read_text() + LEDGER.read_text())
        with serving(tmp_path, conninfo, QUICK) as exporter:
            until_exact(exporter, postgres.conninfo())
            spend(postgres.conninfo())
            until_exact(exporter, postgres.conninfo())
            postgres.stop()
            exporter.until(lambda: "costs" in down(exporter))
            postgres.start()
            spend(postgres.conninfo())
            until_exact(exporter, postgres.conninfo())
