"""What a soak found: a table on the terminal, a page and a JSON file."""

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
"""How many of each kind of error are told one by one."""


@dataclass(frozen=True)
class Report:
    """The findings of a soak, what it was told to do, and where."""

    plan: Plan
    surroundings: Mapping[str, str]
    findings: Findings

    @property
    def conclusion(self) -> str:
        """One line."""
        found = self.findings
        if found.passed:
            return f"all {found.compared:,} samples are what plain SQL says, and every scrape was answered"
        faults = {
            "samples that differ from plain SQL": found.differences,
            "failed scrapes": found.scrapes.errors,
            "unforeseen errors in the log": found.tracebacks,
        }
        return "FAILED: " + ", ".join(f"{len(lines):,} {what}" for what, lines in faults.items())

    def show(self, console: Console) -> None:
        """Print the tables, what went wrong, and last the conclusion."""
        table = Table("", "", title=f"Soak, seed {self.plan.seed}")
        for row in [*self._figures(), *self._counted(self.findings.survived)]:
            table.add_row(*row)
        console.print(table)
        for lines in (self.findings.differences, self.findings.scrapes.errors, self.findings.tracebacks):
            for line in lines[:SHOWN]:
                console.print(line, soft_wrap=True, markup=False)
        console.print(self.conclusion, soft_wrap=True)

    def write(self, path: Path) -> None:
        """Write the page, and beside it the same as JSON, with every difference."""
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
        """The page."""
        parts = [
            "# Soak\n\nWritten by `make soak`; [README.md](README.md#soak) says what happens in it.",
            markdown_table(("", ""), self._figures()),
            "## Faults that it came through",
            markdown_table(("", "times"), self._counted(self.findings.survived)),
            "## What was written meanwhile",
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
            ("unforeseen errors in the log", f"{len(found.tracebacks):,}"),
            ("memory at the start, at the end, at most (MB)", ", ".join(map(number, self._memory()))),
            ("files and connections at the start, at the end", f"{start.descriptors}, {end.descriptors}"),
        ]

    def _memory(self) -> tuple[float, float, float]:
        return self.findings.start.memory_mb, self.findings.end.memory_mb, self.findings.peak_mb

    def _counted(self, counts: Mapping[str, int]) -> Sequence[tuple[str, str]]:
        return [(name, f"{count:,}") for name, count in sorted(counts.items())]
