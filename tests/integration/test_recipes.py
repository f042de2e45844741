"""docs/recipes.md: each recipe is run over the tables that the page makes, and its metrics equal plain SQL."""

import io
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from exporter import check
from exporter.config import Config, parse
from tests.conftest import ROOT
from tests.integration.page import Labels
from tests.integration.recipes import RECIPES
from tests.integration.running import Clock, Samples, running

PAGE = (ROOT / "docs/recipes.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(sql|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DATABASES = BLOCK.findall(PAGE.partition("\n## ")[0])[0][1]
NOT_WHOLE = "only the audit finds corrections of old rows"
WARNED = ("Several regions", "Daily sums")
"""Recipes of which ``check`` warns, as the page says."""


@dataclass(frozen=True)
class Section:
    """A recipe of the page: the statements that make its tables, and its part of a configuration."""

    tables: str
    config: str
    text: str


def sections() -> Mapping[str, Section]:
    """The recipes by their titles. Those without costs have those of the first one, as the page says."""
    found: dict[str, Section] = {}
    for part in PAGE.split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        blocks = BLOCK.findall(text)
        tables = "".join(block for kind, block in blocks if kind == "sql")
        (config,) = (block for kind, block in blocks if kind == "yaml")
        first = next(iter(found.values()), None)
        if first and "  costs:\n" not in config:
            config = first.config + config.removeprefix("ledgers:\n")
        found[title] = Section(tables, config, text)
    return found


SECTIONS = sections()
TABLES = "".join(section.tables for section in SECTIONS.values())


@pytest.fixture
def tables(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with the empty tables of all recipes, to which their configurations connect."""
    monkeypatch.setenv("BILLING_DSN", database)
    with psycopg.connect(database) as connection:
        connection.execute(TABLES.encode())
    return database


def config_of(title: str, directory: Path) -> Config:
    return parse(DATABASES + SECTIONS[title].config, directory / "config.yml")


def write(conninfo: str, title: str, now: datetime, rows: str, late: int) -> None:
    with psycopg.connect(conninfo, options="-c timezone=UTC") as connection:
        connection.execute(RECIPES[title].rows.format(now=now, rows=rows, late=late).encode())


def differences(conninfo: str, title: str, served: Samples, now: datetime) -> list[str]:
    """The samples that differ from what plain SQL says."""
    found = []
    with psycopg.connect(conninfo, options="-c timezone=UTC") as connection:
        for (metric, *names), query in RECIPES[title].expected.items():
            expected = {tuple(row[:-1]): row[-1] for row in connection.execute(query.format(now=now).encode())}
            assert len(expected) > 1
            if (got := summed(served[metric], names)) != pytest.approx(expected):
                found.append(f"{metric}: expected {expected}, got {got}")
    return found


def summed(samples: Mapping[Labels, float], names: list[str]) -> dict[tuple[str, ...], float]:
    """The samples by some of their labels."""
    found: dict[tuple[str, ...], float] = defaultdict(float)
    for labels, value in samples.items():
        found[tuple(dict(labels)[name] for name in names)] += value
    return found


def test_every_recipe_of_the_page_is_run() -> None:
    assert list(SECTIONS) == list(RECIPES)


@pytest.mark.parametrize("title", RECIPES)
async def test_a_recipe_gives_what_plain_sql_does(tables: str, tmp_path: Path, title: str) -> None:
    now = datetime.now(UTC)
    clock = Clock(now - timedelta(hours=1))
    write(tables, title, clock.now, "1, 300", 0)
    async with running(config_of(title, tmp_path), clock) as exporter:
        await exporter.refresh()
        assert differences(tables, title, exporter.samples(), clock.now) == []
        clock.now = now
        write(tables, title, now, "0, 0", 1)
        await exporter.refresh(3)
        assert differences(tables, title, exporter.samples(), now) == []


@pytest.mark.parametrize("title", RECIPES)
async def test_check_finds_nothing_but_what_the_page_says(tables: str, tmp_path: Path, title: str) -> None:
    write(tables, title, datetime.now(UTC), "0, 300", 0)
    output = io.StringIO()
    assert await check.run(config_of(title, tmp_path), output) == 0
    found = [line for line in output.getvalue().splitlines() if line.startswith("  ") and "    fix: " not in line]
    assert [NOT_WHOLE in line for line in found] == [True] * (title in WARNED)
    assert title not in WARNED or "`check` warns that corrections of" in " ".join(SECTIONS[title].text.split())


async def test_without_its_index_the_local_time_is_warned_of(tables: str, tmp_path: Path) -> None:
    write(tables, "Local time", datetime.now(UTC), "0, 300", 0)
    with psycopg.connect(tables) as connection:
        connection.execute("DROP INDEX local_fees_timezone_idx")
    output = io.StringIO()
    await check.run(config_of("Local time", tmp_path), output)
    assert "no index serves a range of occurred_at of ledgers.costs.query" in output.getvalue()
