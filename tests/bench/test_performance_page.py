"""docs/performance.md says what the results of the bench say."""

import json
import re

import pytest

from bench.report import number
from tests.conftest import ROOT

PAGE = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\|[^|]*\| `([\w.]+)` \| ([\d.,]+)(?: \D*)? \|$", re.MULTILINE)
RESULTS = json.loads((ROOT / "bench/RESULTS.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("key, figure", ROW.findall(PAGE))
def test_figure_was_measured(key: str, figure: str) -> None:
    assert figure == number(RESULTS["measurements"][key])


def test_every_row_has_its_figure() -> None:
    assert len(ROW.findall(PAGE)) == len(re.findall(r"^\|[^|]*\| `\w+\.[\w.]+` \|", PAGE, re.MULTILINE))


def test_the_results_are_of_the_full_size() -> None:
    assert RESULTS["size"] == "full"


def test_the_page_names_the_bars_that_are_missed() -> None:
    conclusion = RESULTS["conclusion"].partition(". Not measured")[0]
    missed = conclusion.removeprefix("falls short: ").split("; ") if conclusion.startswith("falls short") else []
    assert [bar for bar in missed if bar not in PAGE] == []
