"""``resource-exporter demo``: one command, real numbers."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from exporter.sections import SECTIONS
from tests.end_to_end.process import running


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A place for temporary files that nobody else uses, with a name that leaves room for that of a socket."""
    with TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)  # PostgreSQL is not run by root
        yield Path(directory)


@pytest.mark.prometheus("promtool")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_demo_shows_everything_and_leaves_nothing_behind(tmp_path: Path, temporary: Path, how: signal.Signals) -> None:
    with running(tmp_path, "demo", TMPDIR=str(temporary)) as exporter:
        exporter.wait()
        page = exporter.page()
        names = {metric.name for section in SECTIONS.values() for metric in section.METRICS}
        early = {"resource_quest_projected_spend_usd"}  # which is absent in the first half hour of the day
        assert {line.partition("{")[0].partition(" ")[0] for line in page.splitlines()} >= names - early
        checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
        assert f"http://127.0.0.1:{exporter.port}/metrics" in (tmp_path / "exporter.out").read_text()
        assert list(temporary.iterdir())
        assert exporter.stop(how) == 0
    assert "Traceback" not in exporter.log.read_text()
    assert not list(temporary.iterdir())
