"""PostgreSQL starts later, is slow, or is killed during a build, a refresh or an audit."""

import re
from pathlib import Path

import pytest

from exporter.demo.postgres import Server
from tests.end_to_end.process import Exporter, running, serving
from tests.faults import gate
from tests.faults.servers import kill
from tests.faults.stage import PATIENT, connections, last_errors, spend, until_exact


def reports(exporter: Exporter) -> int:
    """The number of reports that the exporter has made."""
    (count,) = re.findall(r'refresh_duration_seconds_count\{stage="sections"\} (\d+)', exporter.page())
    return int(count)


@pytest.fixture(autouse=True, scope="module")
def gated(victim: Server) -> None:
    gate.set_up(victim)


def test_a_server_that_starts_later(tmp_path: Path, victim: Server) -> None:
    (tmp_path / "config.yml").write_text(PATIENT.format(timezone="UTC"))
    victim.stop()
    with running(tmp_path, "serve", f"--config.file={tmp_path / 'config.yml'}", LEDGERS_DSN=victim.conninfo()) as exporter:
        assert exporter.get("/-/ready").status == 503
        victim.start()
        until_exact(exporter, victim.conninfo())
        assert exporter.get("/-/ready").status == 200


@pytest.mark.slow
def test_a_refresh_longer_than_many_intervals_is_not_started_twice(tmp_path: Path, victim: Server) -> None:
    with serving(tmp_path, victim.conninfo(), PATIENT) as exporter:
        until_exact(exporter, victim.conninfo())
        gate.close(victim, gate.REFRESH)
        gate.until_waiting(exporter, victim)
        before = exporter.data()
        late = reports(exporter) + 5  # reports without a refresh, one every three intervals
        exporter.until(lambda: reports(exporter) > late)
        assert connections(victim.conninfo()) == 1
        assert exporter.data() == before
        gate.open_again(victim)
        spend(victim.conninfo())
        until_exact(exporter, victim.conninfo())


@pytest.mark.slow
def test_killed_during_a_first_build_a_refresh_and_an_audit(tmp_path: Path, victim: Server) -> None:
    (tmp_path / "config.yml").write_text(PATIENT.format(timezone="UTC"))
    gate.close(victim, gate.BUILD)
    with running(tmp_path, "serve", f"--config.file={tmp_path / 'config.yml'}", LEDGERS_DSN=victim.conninfo()) as exporter:
        for times, statement in enumerate((gate.BUILD, gate.REFRESH, gate.AUDIT), 1):
            gate.close(victim, statement)
            gate.until_waiting(exporter, victim)
            kill(victim)
            victim.start()
            gate.open_again(victim)
            spend(victim.conninfo())
            until_exact(exporter, victim.conninfo())
            assert sum("server closed the connection" in reason for reason in last_errors(exporter)["costs"]) >= times
