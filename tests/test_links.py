"""The links between the pages: files and headings exist, and every page can be reached from the README."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md"), *ROOT.glob("deploy/**/*.md")]

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def _links(page: Path) -> Iterator[tuple[Path, str]]:
    """The file and the anchor of each link of a page; the anchor is empty where the link has none."""
    for file, anchor in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        yield (page.parent / file).resolve() if file else page, anchor


def _anchors(page: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = HEADING.findall(CODE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_linked_files_exist(page: Path) -> None:
    assert [file for file, _ in _links(page) if not file.exists()] == []


@every_page
def test_linked_headings_exist(page: Path) -> None:
    linked = [(file, anchor) for file, anchor in _links(page) if anchor and file.suffix == ".md"]
    assert [(file.name, anchor) for file, anchor in linked if anchor not in _anchors(file)] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    ahead = {ROOT / "README.md"}
    while ahead:
        reached |= ahead
        ahead = {file for page in ahead for file, _ in _links(page) if file.suffix == ".md"} - reached
    assert [page for page in PAGES if page not in reached] == []
