"""How columns are read: what the statements that read a ledger have in common."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from exporter.config import parse
from exporter.sources import comparisons, small_statements, statements
from exporter.sources.catalog import inspect
from exporter.sources.database import Database
from exporter.sources.mapping import Source

LEDGERS = ("allocations", "costs", "impacts", "quests")
CONFIG = (
    'databases: {{main: {{dsn: "{}"}}}}\nledgers: {{' + ", ".join(f"{name}: {{{{database: main}}}}" for name in LEDGERS) + "}}"
)


@pytest.mark.parametrize("ledger", LEDGERS)
async def test_texts_are_compared_byte_by_byte_whatever_their_collation(database: str, ledger: str) -> None:
    """A nondeterministic collation calls texts equal that differ, and hashes them alike."""
    config = parse(CONFIG.format(database), "config.yml")
    async with Database(config.databases["main"], timedelta(seconds=20)) as opened, opened.transaction() as transaction:
        table = await inspect(transaction, config.ledgers[ledger])
    loose = {name: replace(column, bytewise=False) for name, column in table.columns.items()}
    source = Source(config.ledgers[ledger], replace(table, columns=loose))
    made = {
        "allocations": [small_statements.allocations, small_statements.day_checksums],
        "quests": [small_statements.quests, small_statements.digest],
    }.get(ledger, [statements.entries, comparisons.checksums])
    for statement in made:
        text = statement(source).as_string()
        collated, texts = len(re.findall(r'"::text COLLATE "C"', text)), len(re.findall(r'"::text\b', text))
        assert collated == texts > 0
