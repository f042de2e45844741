"""Generate docs/metrics.md from the text of metrics.md.jinja and the catalogue of metrics in the code.

``python -m docs.generate`` writes the page; with ``--check`` it prints the differences and fails if there are any.
"""

import argparse
import difflib
import sys
from collections.abc import Iterable
from pathlib import Path

import jinja2

from exporter.metrics import Metric
from exporter.requirements import Source
from exporter.sections import SECTIONS
from exporter.telemetry import OwnMetric, Telemetry

FOLDER = Path(__file__).parent
PAGE = FOLDER / "metrics.md"
TEMPLATE = "metrics.md.jinja"

# The first matching suffix wins.
UNITS = {
    "_impact_per_usd": "score per USD",
    "_usd": "USD",
    "_tokens": "tokens",
    "_calls": "calls",
    "_tasks": "tasks",
    "_score": "score",
    "_ratio": "0 to 1",
    "_timestamp_seconds": "Unix time",
    "_info": "always 1",
}


def page() -> str:
    """Return the page as Markdown."""
    loader = jinja2.FileSystemLoader(FOLDER)
    # Nothing to escape: every value is a constant of the code.
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701
    return environment.get_template(TEMPLATE).render(section=section, own=own) + "\n"


def section(name: str) -> str:
    """Return the heading, the question and the table of one section of the report."""
    module = SECTIONS[name]
    question = (module.__doc__ or "").strip().partition(": ")[2]
    table = _table(("metric", "labels", "unit", "ledgers", "meaning"), map(_data_row, module.METRICS))
    return f"## {name.capitalize()}\n\n{question[0].upper()}{question[1:]}\n\n{table}"


def own() -> str:
    """Return the table of the exporter's metrics about its own work."""
    rows = map(_own_row, Telemetry("", "").catalogue())
    return _table(("metric", "type", "labels", "meaning"), rows)


def unit(metric: str) -> str:
    """Return the unit of a data metric, from the suffix of its name.

    Raises:
        LookupError: the suffix is not a known unit.
    """
    for suffix, name in UNITS.items():
        if metric.endswith(suffix):
            return name
    raise LookupError(f"{metric} ends in no unit: {', '.join(UNITS)}")


def _sources(metric: Metric) -> str:
    return "; ".join(map(_source, metric.sources))


def _source(source: Source) -> str:
    columns = " or ".join(f"`{column}`" for column in source.columns)
    found = f"`{source.ledger}`" + (f" ({columns})" if columns else "")
    return f"{found}, else {_source(source.instead)}" if source.instead else found


def _data_row(metric: Metric) -> tuple[str, ...]:
    return f"`{metric.name}`", _codes(metric.labels), unit(metric.name), _sources(metric), metric.help


def _own_row(metric: OwnMetric) -> tuple[str, ...]:
    return f"`{metric.name}`", metric.type, _codes(metric.labels), metric.help


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, ("---",) * len(header), *rows))


def main() -> int:
    """Write or compare the page; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m docs.generate", description="Write docs/metrics.md from the catalogue.")
    parser.add_argument("--check", action="store_true", help="write nothing; print the differences and fail if there are any")
    new = page()
    if not parser.parse_args().check:
        PAGE.write_text(new, encoding="utf-8")
        return 0
    old = PAGE.read_text(encoding="utf-8")
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), "docs/metrics.md", "the code"))  # noqa: FBT003
    return int(old != new)


if __name__ == "__main__":
    sys.exit(main())
