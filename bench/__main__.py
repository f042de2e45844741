"""``python -m bench``: load ledgers, measure, print one table, write the results."""

import argparse
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console

from bench.bars import BARS
from bench.machine import machine, peer_versions, versions
from bench.peers import PEERS
from bench.processes import BenchError
from bench.progress import progress
from bench.report import Report
from bench.server import Server, running
from bench.sizes import SIZES
from bench.steps.context import Bench, Measured
from bench.steps.registry import STEPS
from bench.verdicts import judge

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
LOCAL: Final = RESULTS.with_name("RESULTS-local.md")
"""Of a run that did not measure every bar of the full size: tests hold the documentation to the figures of one that did."""


def main() -> int:
    """Run the bench; the exit status is 1 when bars are missed at the full size, 2 when it cannot run, else 0."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that PostgreSQL is stopped and removed
    console = Console(highlight=False)
    surroundings = machine()
    for peer in PEERS:
        if not peer.path:
            console.print(f"{peer.name}: {peer.state()}", soft_wrap=True, markup=False)
    try:
        with running() as server, TemporaryDirectory(prefix="bench-") as directory:
            surroundings |= versions(server) | peer_versions()
            measured = _measure(server, arguments, Path(directory), console)
    except BenchError as error:
        console.print(f"bench: {error}", soft_wrap=True, style="red")
        return 2
    report = Report(arguments.size, surroundings, measured, judge(BARS, measured, SIZES[arguments.size].days))
    report.write(arguments.output or _page(report))
    report.show(console)
    return int(report.failed)


def _measure(server: Server, arguments: argparse.Namespace, directory: Path, console: Console) -> Measured:
    measured: Measured = {}
    with progress(console) as tell:
        bench = Bench(server, SIZES[arguments.size], directory, tell, console.print)
        bench.create_roles()
        for name in arguments.only:
            measured |= STEPS[name](bench)
    return measured


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Resource Exporter beside its peers.")
    parser.add_argument("--size", choices=SIZES, default="full", help="small takes under three minutes (default: full)")
    parser.add_argument("--only", choices=STEPS, nargs="+", default=list(STEPS), help="only these steps")
    parser.add_argument(
        "--output",
        type=Path,
        help=f"the page to write; JSON goes beside it (default: {RESULTS.name} with every bar at full size, else {LOCAL.name})",
    )
    return parser.parse_args()


def _page(report: Report) -> Path:
    return RESULTS if report.full and all(verdict.value is not None for verdict in report.verdicts) else LOCAL


if __name__ == "__main__":
    sys.exit(main())
