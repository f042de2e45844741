"""The page for each window, with and without refresh."""

import pytest

from exporter.web.page.page import Page, PageContext
from tests.web.page.outline import EMPTY, FULL, HOSTILE, Outline


@pytest.fixture
def page() -> Page:
    return Page(PageContext("1.2.3", "/metrics"))


def test_links_keep_the_window_and_whether_the_page_refreshes(page: Page) -> None:
    def links(html: bytes) -> list[str]:
        return [
            value or "" for name, value in Outline(html.decode()).attributes if name == "href" and "window" in (value or "")
        ]

    assert links(page.body(FULL)) == ["?window=7d", "?window=30d", "?window=30d&refresh=off"]
    assert links(page.body(FULL, "7d", refresh=False)) == ["?window=7d&refresh=off", "?window=30d&refresh=off", "?window=7d"]


def test_the_chosen_window_is_shown_and_marked(page: Page) -> None:
    html = page.body(FULL, "7d").decode()
    assert '<a href="?window=7d" aria-current="true">7d</a>' in html
    assert [HOSTILE, "$7.77", *["–"] * 8] in Outline(html).rows
    assert "Wasted, the last 7 days" in html


def test_pages_are_made_once_for_each_window_and_kept_for_the_latest_snapshot_only(page: Page) -> None:
    first = page.body(FULL, "7d")
    assert page.body(FULL, "7d") is first
    assert page.body(FULL, "7d", refresh=False) is not first
    default = page.body(FULL)
    assert all(page.body(FULL, wanted) is default for wanted in ("30d", "", "8d", HOSTILE, "x" * 8000))
    assert len(page._current.bodies) == 3
    page.body(EMPTY)
    assert len(page._current.bodies) == 1


def test_a_new_snapshot_is_a_new_page(page: Page) -> None:
    before, after = page.body(FULL).decode(), page.body(EMPTY).decode()
    assert before != after
    assert page.body(FULL).decode() == before
