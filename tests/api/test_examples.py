"""The Python interface: the examples of its page run, and its numbers are those of plain SQL."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

import exporter
from exporter.sections import SECTIONS
from tests.api.conftest import ASYNC, CONTENT, MONTH, execute, script
from tests.conftest import ROOT
from tests.integration.running import LEDGERS as NAMES

PAGE = (ROOT / "docs/python.md").read_text(encoding="utf-8")
SPENT = """
SELECT quests.name, sum(cost_usd) FROM cost_ledger JOIN quests ON quests.id = quest_id
 WHERE created_at BETWEEN date_trunc('day', now()) - interval '29 days' AND now() GROUP BY quests.name
"""


def printed(text: str, directory: Path) -> list[str]:
    """What an example prints; it must print nothing to standard error."""
    ended = script(text, directory)
    assert ended.stderr == ""
    return ended.stdout.splitlines()


def test_the_first_example_prints_what_sql_says(config: Path, known_ledger: str) -> None:
    spent = dict(line.rsplit(" ", 1) for line in printed(MONTH, config.parent))
    expected = {str(name): Decimal(str(usd)) for name, usd in execute(known_ledger, SPENT)}
    assert {name: Decimal(value) for name, value in spent.items() if name in expected} == expected
    assert spent.keys() - expected.keys() == {"unassigned"}


def test_the_other_examples_run(config: Path) -> None:
    allocations = "No allocations ledger is configured."
    assert printed(CONTENT, config.parent) == ["4 series", allocations]
    assert printed(ASYNC, config.parent) == ["UTC 4"]
    assert (config.parent / "report.duckdb").is_file()


def test_the_public_names_are_those_of_the_page() -> None:
    assert set(exporter._MODULES) | {"__version__"} == set(exporter.__all__)
    assert all(getattr(exporter, name).__doc__ for name in exporter.__all__)
    used = set(re.findall(r"`exporter\.(\w+)`|\bexporter\.(\w+)\(|`(Snapshot|LedgerStatus)`", "".join(PAGE)))
    assert {"".join(found) for found in used} | {"__version__"} == set(exporter.__all__) | {"__all__"}
    with pytest.raises(AttributeError, match=r"module 'exporter' has no attribute 'write'"):
        exporter.write  # type: ignore[attr-defined]  # noqa: B018


def test_the_package_itself_imports_none_of_its_modules() -> None:
    text = "import sys, exporter; print(*(name for name in sys.modules if name.startswith(('exporter.', 'duckdb', 'psycopg'))))"
    assert printed(text, ROOT) == [""]


def test_every_metric_has_samples_or_a_reason_and_other_names_are_refused(known_ledger: str) -> None:
    settings = {
        "databases": {"main": {"dsn": known_ledger}},
        "ledgers": {name: {"database": "main"} for name in NAMES},
        "shard": "eu",
        "state": {"path": Path("unused")},
    }
    snapshot = exporter.read(settings)
    catalogue = [metric for section in SECTIONS.values() for metric in section.METRICS]
    for metric in catalogue:
        for sample in snapshot.samples(metric.name):
            assert sample.labels.keys() == {*metric.labels, "shard"}
    assert snapshot.samples("resource_report_info")[0].labels["shard"] == "eu"
    with pytest.raises(LookupError, match=r"^no metric resource_spend_eur; did you mean 'resource_spend_usd'\?$"):
        snapshot.samples("resource_spend_eur")
