"""A snapshot whose texts are all hostile, and what a reader gets of a page."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

from exporter.metrics import Family
from exporter.sections import allocation, budgets, efficiency, providers, spend, utilization, waste
from exporter.snapshot import LedgerStatus, Snapshot

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
        Family(providers.SPEND, [((HOSTILE, "30d"), 42.42), ((HOSTILE, "7d"), 7.77)]),
        Family(efficiency.TOP_IMPACT_PER_USD, [((*TASK, "30d"), 17.17)]),
        Family(waste.QUEST_USD, [((*QUEST, HOSTILE, "30d"), 3.33)]),
        Family(waste.WORST_TOKENS, [((*TASK, HOSTILE, "30d"), 54321.0)]),
    ),
    LEDGERS,
)


WITH_BUDGETS = Snapshot(NOON, (*FULL.families, Family(budgets.BUDGET, [((*QUEST, "month"), 5.0)])), LEDGERS)
EMPTY = Snapshot(NOON, (), ())


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
