"""The report of a soak test: a table on the terminal, a Markdown file and a JSON file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.report import markdown_table, number
from bench.soak.run import Findings, Plan

SHOWN: Final = 10
"""The number of errors of each kind that are printed."""


@dataclass(frozen=True)
class Report:
    """The findings of a soak test, its plan, and the machine that it ran on."""

    plan: Plan
    surroundings: Mapping[str, str]
    findings: Findings

    @property
    def conclusion(self) -> str:
        """The result in one line."""
        found = self.findings
        if found.passed:
            return f"all {found.compared:,} samples equal plain SQL, and every scrape succeeded"
        faults = {
            "samples that differ from plain SQL": found.differences,
            "failed scrapes": found.scrapes.errors,
            "unexpected errors in the log": found.tracebacks,
        }
        return "FAILED: " + ", ".join(f"{len(lines):,} {what}" for what, lines in faults.items())

    def show(self, console: Console) -> None:
        """Print the tables, the first errors of each kind, and the conclusion."""
        table = Table("", "", title=f"Soak, seed {self.plan.seed}")
        for row in [*self._figures(), *self._counted(self.findings.survived)]:
            table.add_row(*row)
        console.print(table)
        for lines in (self.findings.differences, self.findings.scrapes.errors, self.findings.tracebacks):
            for line in lines[:SHOWN]:
                console.print(line, soft_wrap=True, markup=False)
        console.print(self.conclusion, soft_wrap=True)

    def write(self, path: Path) -> None:
        """Write the Markdown file, and beside it a JSON file with every difference."""
        path.write_text(self.markdown(), encoding="utf-8")
        document = {
            "seed": self.plan.seed,
            "minutes": self.plan.seconds / 60,
            "surroundings": dict(self.surroundings),
            "findings": asdict(self.findings),
            "conclusion": self.conclusion,
        }
        path.with_suffix(".json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

    def markdown(self) -> str:
        """The report in Markdown."""
        parts = [
            "# Soak\n\nWritten by `make soak`, which [README.md](README.md#soak) describes.",
            markdown_table(("", ""), self._figures()),
            "## Faults",
            markdown_table(("", "times"), self._counted(self.findings.survived)),
            "## Writes",
            markdown_table(("", "times"), self._counted(self.findings.writes)),
            "## Machine",
            markdown_table(("", ""), list(self.surroundings.items())),
            self.conclusion + "\n",
        ]
        return "\n\n".join(parts)

    def _figures(self) -> Sequence[tuple[str, str]]:
        found, start, end = self.findings, self.findings.start, self.findings.end
        return [
            ("minutes of faults, seed", f"{self.plan.seconds / 60:g}, {self.plan.seed}"),
            ("faults", f"{sum(found.survived.values()):,}"),
            ("requests, of which failed", f"{found.scrapes.requests:,}, {len(found.scrapes.errors):,}"),
            ("slowest answer (s)", number(found.scrapes.slowest)),
            ("samples compared, of which differ", f"{found.compared:,}, {len(found.differences):,}"),
            ("unexpected errors in the log", f"{len(found.tracebacks):,}"),
            ("memory at the start, at the end, peak (MB)", ", ".join(map(number, self._memory()))),
            ("files and connections at the start, at the end", f"{start.descriptors}, {end.descriptors}"),
        ]

    def _memory(self) -> tuple[float, float, float]:
        return self.findings.start.memory_mb, self.findings.end.memory_mb, self.findings.peak_mb

    def _counted(self, counts: Mapping[str, int]) -> Sequence[tuple[str, str]]:
        return [(name, f"{count:,}") for name, count in sorted(counts.items())]
