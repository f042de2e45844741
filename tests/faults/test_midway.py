"""PostgreSQL dies in the middle of something."""

from pathlib import Path

import pytest

from exporter.demo.postgres import Server
from tests.end_to_end.process import running
from tests.faults import gate
from tests.faults.servers import kill
from tests.faults.stage import PATIENT, complaints, spend, until_exact


@pytest.mark.slow
def test_killed_during_a_first_build_a_refresh_and_an_audit(tmp_path: Path, victim: Server) -> None:
    gate.set_up(victim)
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
            assert sum("server closed the connection" in reason for reason in complaints(exporter)["costs"]) == times
