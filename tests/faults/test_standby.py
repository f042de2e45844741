"""A hot standby, which terminates sessions that delay replay."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from exporter.demo.binaries import account, programs
from exporter.demo.postgres import Server
from tests.end_to_end.process import serving
from tests.faults import gate
from tests.faults.conftest import filled
from tests.faults.servers import administer
from tests.faults.stage import PATIENT, down, last_errors, spend, until_exact

REPLICATION = {"wal_level": "replica", "max_wal_senders": "4"}
IMPATIENT = {"max_standby_streaming_delay": "0", "hot_standby_feedback": "off"}


@contextmanager
def following(primary: Server) -> Iterator[Server]:
    """A standby that does not wait for queries."""
    with TemporaryDirectory(prefix="resource-exporter-") as directory:
        standby = Server(Path(directory), REPLICATION | IMPATIENT)
        copy = programs(Path(directory), account()) / "pg_basebackup"
        source, target = f"--dbname={primary.conninfo()}", f"--pgdata={directory}/data"
        subprocess.run(
            [copy, source, target, "--write-recovery-conf", "--checkpoint=fast"], cwd=directory, check=True, **account()
        )
        try:
            standby.start()
            yield standby
        finally:
            standby.stop()


@pytest.mark.slow
def test_sessions_terminated_by_a_conflict_with_recovery(tmp_path: Path) -> None:
    with filled(REPLICATION) as primary, following(primary) as standby:
        gate.set_up(primary)
        with serving(tmp_path, standby.conninfo(), PATIENT) as exporter:
            until_exact(exporter, primary.conninfo())
            for times in range(1, 4):
                gate.close(primary, gate.REFRESH)
                gate.until_waiting(exporter, standby)
                gate.open_again(primary)
                administer(primary, "VACUUM gate")  # removes a row that the session on the standby may still need
                exporter.until(lambda: "costs" in down(exporter))
                spend(primary.conninfo())
                until_exact(exporter, primary.conninfo())
                assert ["conflict with recovery" in reason for reason in last_errors(exporter)["costs"]] == [True] * times
