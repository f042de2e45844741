from base64 import b64decode
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest

from exporter.metrics import Family
from exporter.sections import allocation, efficiency, providers, spend, utilization, waste
from exporter.snapshot import LedgerStatus, Snapshot
from exporter.web.page.page import Page, PageContext

HOSTILE = "</td><script>alert(1)</script><img src=x onerror='a'>\"{{ 7*7 }}"
QUEST = ("q1", HOSTILE, HOSTILE)
TASK = (HOSTILE, HOSTILE, *QUEST)
NOON = datetime(2026, 11, 20, 12, 0, 5, tzinfo=ZoneInfo("Europe/Zurich"))
LEDGERS = (
    LedgerStatus("costs", up=True, newest_entry=datetime(2026, 11, 20, 10, 59, tzinfo=UTC), last_success=NOON),
    LedgerStatus("impacts", up=False, newest_entry=None, last_success=datetime(2026, 11, 20, 10, 30, tzinfo=UTC)),
)
FULL = Snapshot(
    NOON,
    (
        Family(allocation.ALLOCATION, [(QUEST, 1234.5)]),
        Family(spend.QUEST_SPEND, [((*QUEST, "1d"), 0.0034)]),
        Family(spend.PROJECTED, [(QUEST, 0.005)]),
        Family(utilization.DAY_ALLOCATION, [(("2026-11-20", HOSTILE), 1234.5), (("2026-11-18", HOSTILE), 10.0)]),
        Family(
            utilization.DAY_SPEND, [(("2026-11-20", HOSTILE), 0.0034), (("2026-11-19", "x"), 7.0), (("2026-11-18", "x"), 12.0)]
        ),
        Family(providers.SPEND, [((HOSTILE, "30d"), 42.42)]),
        Family(efficiency.TOP_IMPACT_PER_USD, [((*TASK, "30d"), 17.17)]),
        Family(waste.QUEST_USD, [((*QUEST, HOSTILE, "30d"), 3.33)]),
        Family(waste.WORST_TOKENS, [((*TASK, HOSTILE, "30d"), 54321.0)]),
    ),
    LEDGERS,
)


class Outline(HTMLParser):
    """What a reader gets of a page: its tags, and the text of every cell, row by row."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("th", "td")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data.strip()


@pytest.fixture
def page() -> Page:
    return Page(PageContext("1.2.3", "/metrics"))


def test_before_the_first_snapshot_the_page_says_that_it_is_coming(page: Page) -> None:
    outline = Outline(page.body(None).decode())
    assert "The first build of the rollups is under way." in outline.text
    assert "table" not in outline.tags


def test_title_status_and_links(page: Page) -> None:
    html = page.body(FULL).decode()
    assert "<title>Resource Dashboard</title>" in html
    assert "<h1>Resource Dashboard</h1>" in html
    text = " ".join(Outline(html).text.split())
    assert "As of 2026-11-20 12:00:05, days in Europe/Zurich" in text
    assert "up costs newest entry 2026-11-20 11:59:00" in text
    assert "down impacts, last read 2026-11-20 11:30:00" in text
    assert "Resource Exporter 1.2.3" in text
    assert {
        value for name, value in Outline(html).attributes if name == "href" and value and not value.startswith("data:")
    } == {
        "./metrics",
        "./-/healthy",
        "./-/ready",
    }


def test_the_five_sections_in_order(page: Page) -> None:
    rows = Outline(page.body(FULL).decode()).rows
    assert [HOSTILE, HOSTILE, "$1,234.50", "100.0 %", "$0.0034", "<0.1 %", "$0.0050"] in rows
    assert ["1", HOSTILE, HOSTILE, HOSTILE, "17.17", "–", "–", "–"] in rows
    assert ["2026-11-20today", "$1,234.50", "$0.0034", "−$1,234.50", ""] in rows
    assert ["2026-11-19", "–", "$7.00", "–", ""] in rows
    assert ["2026-11-18", "$10.00", "$12.00", "+$2.00", ""] in rows
    assert [HOSTILE, "$42.42", "–", "–", "–", "–", "–", "–", "–", "–"] in rows
    assert [HOSTILE, "–", "–", "$3.33"] in rows
    assert ["1", HOSTILE, HOSTILE, HOSTILE, HOSTILE, "54,321", "–"] in rows


def test_nothing_from_a_ledger_becomes_markup(page: Page) -> None:
    outline = Outline(page.body(FULL).decode())
    assert not {"script", "img"} & set(outline.tags)
    assert not {name for name, _ in outline.attributes if name.startswith("on") or name == "style"}


def test_layers_have_a_class_from_a_closed_set(page: Page) -> None:
    families = (Family(allocation.ALLOCATION, [(("q1", "Gene", "Forge"), 1.0), (("q2", "Atlas", 'x" onclick="'), 2.0)]),)
    html = page.body(Snapshot(NOON, families, ())).decode()
    assert '<span class="badge forge">Forge</span>' in html
    assert '<span class="badge other">x&#34; onclick=&#34;</span>' in html


def test_every_table_is_told_to_a_screen_reader(page: Page) -> None:
    outline = Outline(page.body(FULL).decode())
    assert outline.tags.count("caption") == outline.tags.count("table") == 6
    assert outline.tags.count("th") == sum(name == "scope" for name, _ in outline.attributes)


def test_a_snapshot_without_families_has_empty_sections(page: Page) -> None:
    text = Outline(page.body(Snapshot(NOON, (), ())).decode()).text
    for line in (
        "No budget and no spend today.",
        "No task with a cost and an impact.",
        "No day with",
        "No calls.",
        "Nothing was",
    ):
        assert line in text


def test_the_policy_allows_exactly_the_style_that_the_page_has(page: Page) -> None:
    style = page.body(None).decode().split("<style>")[1].split("</style>")[0]
    allowed = page.content_security_policy.split("'sha256-")[1].split("'")[0]
    assert b64decode(allowed) == sha256(style.encode()).digest()
    assert "unsafe" not in page.content_security_policy
    assert "script-src" not in page.content_security_policy


def test_a_new_snapshot_is_a_new_page(page: Page) -> None:
    before, after = page.body(FULL).decode(), page.body(Snapshot(NOON, (), ())).decode()
    assert before != after
    assert page.body(FULL).decode() == before
