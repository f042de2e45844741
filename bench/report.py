"""What a run found: one table on the terminal, a page and a JSON file."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.ours import STAGES
from bench.peers import PEERS
from bench.scrape import CONNECTIONS, ENCODINGS
from bench.sizes import SIZES
from bench.steps.context import PLAIN, VARIANTS
from bench.verdicts import Measurements, Verdict, conclusion

LOCAL: Final = "RESULTS-local.md"
"""Of a run that did not measure every bar of its size: tests hold the documentation to the figures of one that did."""
UNMEASURED: Final = "not measured"
HEADINGS: Final = ("", "measured", "bar", "met")
TOLD_BY_RUN: Final = ("ours", PLAIN, "text_ids", "busy_day")
TOLD_BY_LEDGER: Final = ("plain_day_ms", "build_s", "memory_mb", "peak_memory_mb")
REFRESH: Final = ("database", *STAGES)


@dataclass(frozen=True)
class Report:
    """The measurements of a run, and what was measured where."""

    size: str
    surroundings: Mapping[str, str]
    measured: Measurements
    verdicts: list[Verdict]

    @property
    def counts(self) -> bool:
        """Whether the run is of a size that the bars are set for."""
        return SIZES[self.size].results is not None

    @property
    def failed(self) -> bool:
        """Whether a bar was missed that counts. What was not measured is neither met nor missed."""
        return self.counts and any(verdict.missed for verdict in self.verdicts)

    @property
    def page(self) -> str:
        """The name of the page that the results belong on."""
        results = SIZES[self.size].results
        return results if results and all(verdict.value is not None for verdict in self.verdicts) else LOCAL

    @property
    def conclusion(self) -> str:
        """The last line: whether all bars are met."""
        return conclusion(self.verdicts, counts=self.counts)

    def show(self, console: Console) -> None:
        """Print the table, and last whether all bars are met."""
        table = Table(*HEADINGS, title=f"Resource Exporter, size {self.size}")
        for row in map(self._row, self.verdicts):
            table.add_row(*row)
        console.print(table)
        console.print(self.conclusion, soft_wrap=True)

    def write(self, path: Path) -> None:
        """Write the page, and beside it the same as JSON."""
        path.write_text(self.markdown(), encoding="utf-8")
        document = {
            "size": self.size,
            "surroundings": dict(self.surroundings),
            "measurements": dict(sorted(self.measured.items())),
            "bars": [
                {
                    "bar": each.bar.what,
                    "value": each.value,
                    "limit": each.bar.limit,
                    "met": None if each.value is None else each.met,
                }
                for each in self.verdicts
            ],
            "conclusion": self.conclusion,
        }
        path.with_suffix(".json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

    def markdown(self) -> str:
        """The page: the bars, and everything that was measured."""
        parts = [
            f"# Results, size {self.size}\n\nWritten by `make bench`; [README.md](README.md) says how to read them.",
            markdown_table(HEADINGS, map(self._row, self.verdicts)),
            "## Machine",
            markdown_table(("", ""), self.surroundings.items()),
            "## Refreshes, with live inserts (ms, medians)",
            markdown_table(("ledger", *REFRESH, "rows fetched per changed row"), self._refreshes()),
            *self._beside_peers(),
            "## Our exporter, and plain SQL",
            markdown_table(("", ""), self._rest()),
            self.conclusion + "\n",
        ]
        return "\n\n".join(parts)

    def _beside_peers(self) -> Iterable[str]:
        """What the peers are measured with, where the size has it."""
        if "peers" in SIZES[self.size].steps:
            yield "## The same questions, asked by others (one refresh)"
            yield markdown_table(("", "database ms", "× ours", "wall clock s", "memory MB"), self._asked())
        if "scrapes" in SIZES[self.size].steps:
            yield "## Scrapes"
            yield markdown_table(("", "encoding", "connections", "p50 ms", "p99 ms", "per second"), self._scrapes())

    def _refreshes(self) -> Iterable[Sequence[str]]:
        names = [key.removesuffix(".render_ms") for key in self.measured if key.endswith(".render_ms")]
        figures = (*(f"{column}_ms" for column in REFRESH), "rows_per_change")
        return [(name, *(self._number(f"{name}.{figure}") for figure in figures)) for name in names]

    def _asked(self) -> Iterable[Sequence[str]]:
        askers = {("plain SQL", variant): key for variant, key in zip(VARIANTS, (PLAIN, f"{PLAIN}.last_30_days"), strict=True)}
        askers |= {(peer.name, variant): f"{peer.name}.{variant}" for peer in PEERS for variant in VARIANTS}
        own = self.measured.get("long.database_ms")
        for (name, variant), key in askers.items():
            took = self.measured.get(f"{key}.database_ms")
            if took is None:
                yield f"{name}, {variant.replace('_', ' ')}", UNMEASURED, "", "", ""
            else:
                ratio = number(took / own) if own else ""
                rest = (self._number(f"{key}.{figure}") for figure in ("refresh_s", "memory_mb"))
                yield f"{name}, {variant.replace('_', ' ')}", number(took), ratio, *rest

    def _scrapes(self) -> Iterable[Sequence[str]]:
        for name in ("ours", *(peer.name for peer in PEERS)):
            for encoding, connections in product(ENCODINGS, CONNECTIONS):
                key = f"{name}.{encoding}.{connections}"
                if f"{key}.p50_ms" in self.measured:
                    figures = [self._number(f"{key}.{figure}") for figure in ("p50_ms", "p99_ms", "per_second")]
                else:
                    figures = [UNMEASURED, "", ""]
                yield name, encoding, str(connections), *figures

    def _rest(self) -> Iterable[Sequence[str]]:
        for key in self.measured:
            name, _, figure = key.partition(".")
            if figure in TOLD_BY_LEDGER or (name in TOLD_BY_RUN and "." not in figure):
                yield f"`{key}`", self._number(key)

    def _row(self, verdict: Verdict) -> tuple[str, str, str, str]:
        bar = verdict.bar
        value = UNMEASURED if verdict.value is None else _amount(verdict.value, bar.unit)
        missed = ("NO" if self.counts else "no, for information") if verdict.missed else ""
        return bar.what, value, f"{bar.sense.value} {_amount(bar.limit, bar.unit)}", "yes" if verdict.met else missed

    def _number(self, key: str) -> str:
        return number(self.measured[key]) if key in self.measured else ""


def number(value: float) -> str:
    """Three digits that count, without an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.5f}"


def _amount(value: float, unit: str) -> str:
    """A ratio far below one is read best as a fraction."""
    return f"1/{number(1 / value)}" if unit == "x" and 0 < value < 0.5 else f"{number(value)} {unit}"


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The rows as a table of Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
