"""``python -m bench.soak``: cause faults for some minutes, then compare every sample with plain SQL."""

import argparse
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console

from bench.machine import machine, versions
from bench.processes import BenchError, ProgramError
from bench.progress import progress
from bench.server import running
from bench.soak.faults import FAULTS
from bench.soak.report import Report
from bench.soak.run import Plan, soak

RESULTS: Final = Path(__file__).parents[1] / "SOAK.md"


def main() -> int:
    """Run a soak test. The exit code is 0 when it passed, 1 when it failed, 2 when it could not run."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that everything is stopped and removed
    console = Console(highlight=False)
    try:
        report = _run(arguments, console)
    except BenchError as error:
        console.print(f"soak, seed {arguments.seed}: {error}", soft_wrap=True, markup=False, style="red")
        return 1 if isinstance(error, ProgramError) else 2
    report.write(arguments.output)
    report.show(console)
    return int(not report.findings.passed)


def _run(arguments: argparse.Namespace, console: Console) -> Report:
    faults = [fault for fault in FAULTS if fault.name in arguments.only]
    plan = Plan(arguments.minutes * 60, arguments.seed, faults=faults)
    kept = arguments.directory
    with (
        running() as server,
        nullcontext(kept) if kept else TemporaryDirectory(prefix="soak-") as directory,
        progress(console) as tell,
    ):
        surroundings = machine() | versions(server)
        return Report(plan, surroundings, soak(server, plan, Path(directory), tell))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description="Run Resource Exporter through faults.")
    parser.add_argument("--minutes", type=float, default=10, help="duration of the faults (default: 10)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the faults and of the writes (default: 1)")
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--only", choices=names, nargs="+", default=names, metavar="FAULT", help=f"some of {', '.join(names)}")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the Markdown file to write, with a JSON file beside it")
    parser.add_argument("--directory", type=Path, help="keep the exporter's files and logs in this directory")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
