"""Two exporters serve identical bytes, and killing one does not affect the other."""

import signal
from pathlib import Path

from tests.end_to_end.process import serving
from tests.faults.stage import QUICK, spend, until_exact


def test_two_replicas_serve_the_same_lines(tmp_path: Path, known_ledger: str) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with serving(first, known_ledger, QUICK) as one:
        until_exact(one, known_ledger)
        spend(known_ledger)
        with serving(second, known_ledger, QUICK) as other:
            for exporter in (one, other):
                until_exact(exporter, known_ledger)
            lines = one.data()
            assert len(lines) > 100
            assert other.data() == lines
            other.stop(signal.SIGKILL)
        assert one.data() == lines
