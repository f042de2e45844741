"""``python -m bench``: load ledgers, measure, print one table, write the results."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console

from bench.machine import machine, peer_versions, require_disk, versions
from bench.peers import PEERS
from bench.processes import BenchError
from bench.progress import progress
from bench.report import LOCAL, Report
from bench.server import Server, running
from bench.sizes import SIZES, Size
from bench.steps.context import Bench, Measured
from bench.steps.registry import STEPS
from bench.verdicts import judge

FOLDER: Final = Path(__file__).parent


def main() -> int:
    """Run the bench; the exit status is 1 when bars are missed that count, 2 when it or one of its steps cannot run, else 0."""
    arguments = _arguments()
    size = SIZES[arguments.size]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that PostgreSQL is stopped and removed
    console = Console(highlight=False)
    try:
        surroundings, measured, failed = _run(size, arguments.only or size.steps, console)
    except BenchError as error:
        console.print(f"bench: {error}", soft_wrap=True, style="red")
        return 2
    report = Report(arguments.size, surroundings, measured, judge(size.bars, measured, size.days))
    report.write(arguments.output or FOLDER / report.page)
    report.show(console)
    return 2 if failed else int(report.failed)


def _run(size: Size, steps: Sequence[str], console: Console) -> tuple[dict[str, str], Measured, bool]:
    """Run the steps; returns the machine and versions of what was measured, the figures, and whether a step failed."""
    console.print(require_disk(size), soft_wrap=True)
    surroundings = machine()
    absent = [peer for peer in PEERS if "peers" in size.steps and not peer.path]
    for peer in absent:
        console.print(f"{peer.name}: {peer.state()}", soft_wrap=True, markup=False)
    with running() as server, TemporaryDirectory(prefix="bench-") as directory:
        surroundings |= versions(server) | (peer_versions() if "peers" in size.steps else {})
        return surroundings, *_measure(server, size, Path(directory), steps, console)


def _measure(server: Server, size: Size, directory: Path, steps: Sequence[str], console: Console) -> tuple[Measured, bool]:
    """A step that fails does not take with it what the others have measured, which takes half an hour."""
    measured: Measured = {}
    failed = False
    with progress(console) as tell:
        bench = Bench(server, size, directory, tell, console.print)
        bench.create_roles()
        for name in steps:
            try:
                measured |= STEPS[name](bench)
            except BenchError as error:
                console.print(f"bench: step {name}: {error}", soft_wrap=True, style="red")
                failed = True
    return measured, failed


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Resource Exporter beside its peers.")
    parser.add_argument(
        "--size", choices=SIZES, default="full", help="small takes some minutes, large an hour or two (default: full)"
    )
    parser.add_argument("--only", choices=STEPS, nargs="+", help="only these steps (default: all that the size has)")
    parser.add_argument(
        "--output",
        type=Path,
        help=f"the page to write; JSON goes beside it (default: that of the size if every bar is measured, else {LOCAL})",
    )
    arguments = parser.parse_args()
    if absent := [name for name in arguments.only or () if name not in SIZES[arguments.size].steps]:
        parser.error(f"the size {arguments.size} has no step {absent[0]}; it has {', '.join(SIZES[arguments.size].steps)}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
