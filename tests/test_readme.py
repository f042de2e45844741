"""README.md: its example gives the samples that it shows, and its snippets are what the program accepts."""

import io
import re
from pathlib import Path

import psycopg
import pytest
import yaml

from exporter import api, check
from exporter.config import Config, parse
from exporter.exposition.render import Renderer
from tests.conftest import ROOT

PAGE = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(TABLES,) = (text for kind, text in BLOCKS if kind == "sql")
(SAMPLES,) = (text.splitlines() for kind, text in BLOCKS if kind == "text")
OWN, LITELLM, SCRAPE = (text for kind, text in BLOCKS if kind == "yaml")


@pytest.fixture
def config(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The configuration of the page, over its tables."""
    monkeypatch.setenv("LEDGER_DSN", database)
    with psycopg.connect(database) as connection:
        connection.execute(TABLES.encode())
    return parse(OWN, tmp_path / "config.yml")


async def test_check_has_no_warning_about_the_example(config: Config) -> None:
    output = io.StringIO()
    assert await check.run(config, output) == 0
    assert [line for line in output.getvalue().splitlines() if not line.startswith("ok ")] == []


async def test_the_example_gives_the_samples_that_are_shown(config: Config, tmp_path: Path) -> None:
    snapshot = await api.snapshot(config, tmp_path / "rollups")
    served = Renderer().render(snapshot.families).decode().splitlines()
    assert len(SAMPLES) == 6
    assert [sample for sample in SAMPLES if sample not in served] == []


def test_the_example_for_litellm_is_that_of_its_page() -> None:
    page = (ROOT / "docs/litellm.md").read_text(encoding="utf-8")
    (minimum,) = re.findall(r"^```yaml\n# config\.yml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert yaml.safe_load(LITELLM).items() <= yaml.safe_load(minimum).items()
    assert parse(LITELLM, "config.yml").profile == "litellm"


def test_the_scrape_has_the_job_of_the_rules() -> None:
    (job,) = yaml.safe_load(SCRAPE)["scrape_configs"]
    (expected,) = yaml.safe_load((ROOT / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    assert job["job_name"] == expected["job_name"]


def test_waste_is_explained_with_the_defaults() -> None:
    waste = parse(LITELLM, "config.yml").waste
    text = " ".join(PAGE.split())
    assert f"more than {waste.min_tokens:,} tokens and has an impact of at most {waste.max_impact}," in text
