"""The figures of docs/performance.md, docs/scaling.md and README.md are those of the results of the bench."""

import json
import re

import pytest

from bench.report import number
from bench.sizes import SIZES
from tests.conftest import ROOT

PAGE = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
FIGURES = PAGE + "".join((ROOT / name).read_text(encoding="utf-8") for name in ("docs/scaling.md", "README.md"))
ROW = re.compile(r"^\|[^|]*\| `(large:|)([\w.]+)` \| ([\d.,]+)(?: \D*)? \|$", re.MULTILINE)
PUBLISHED = {"": "full", "large:": "large"}
RESULTS = {
    prefix: json.loads((ROOT / "bench" / str(SIZES[size].results)).with_suffix(".json").read_text(encoding="utf-8"))
    for prefix, size in PUBLISHED.items()
}


@pytest.mark.parametrize("run, key, figure", ROW.findall(FIGURES))
def test_figure_was_measured(run: str, key: str, figure: str) -> None:
    assert figure == number(RESULTS[run]["measurements"][key])


def test_every_row_has_its_figure() -> None:
    assert len(ROW.findall(FIGURES)) == len(re.findall(r"^\|[^|]*\| `[\w:]+\.[\w.]+` \|", FIGURES, re.MULTILINE))


@pytest.mark.parametrize("run, size", PUBLISHED.items())
def test_the_results_are_of_their_size(run: str, size: str) -> None:
    assert RESULTS[run]["size"] == size


@pytest.mark.parametrize("run", PUBLISHED)
def test_the_page_names_the_bars_that_are_missed(run: str) -> None:
    conclusion = RESULTS[run]["conclusion"].partition(". Not measured")[0]
    missed = conclusion.removeprefix("falls short: ").split("; ") if conclusion.startswith("falls short") else []
    assert [bar for bar in missed if bar not in PAGE] == []
