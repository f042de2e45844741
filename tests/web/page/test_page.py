import re
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from exporter.metrics import Family
from exporter.sections import allocation, budgets, efficiency, spend, utilization, waste
from exporter.snapshot import LedgerStatus, Snapshot
from exporter.web.page.page import Page, PageContext
from tests.web.page.outline import EMPTY, FULL, HOSTILE, NOON, QUEST, WITH_BUDGETS, Outline


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
        "./-/alerts",
        "?window=7d",
        "?window=30d",
        "?window=30d&refresh=off",
    }


def test_the_page_is_as_of_the_last_read_where_no_ledger_is_up(page: Page) -> None:
    reads = (NOON - timedelta(minutes=20), NOON - timedelta(minutes=5))
    ledgers = tuple(LedgerStatus(f"l{at}", up=False, newest_entry=None, last_success=read) for at, read in enumerate(reads))
    assert "As of 2026-11-20 11:55:05" in page.body(replace(FULL, ledgers=ledgers)).decode().replace(
        f'<time datetime="{reads[1].isoformat()}">', ""
    )


def test_the_page_says_what_no_row_shows(page: Page) -> None:
    text = Outline(page.body(replace(FULL, folded=1234, rejected={"costs": 1, "impacts": 20})).decode()).text
    assert "1,234 series are part of other" in text
    assert "The costs ledger has 1 entry that is left out" in text
    assert "The impacts ledger has 20 entries that are left out" in text
    assert "left out" not in Outline(page.body(FULL).decode()).text


def test_the_five_sections_in_order(page: Page) -> None:
    rows = Outline(page.body(FULL).decode()).rows
    assert [HOSTILE, HOSTILE, "<0.1 %", "$0.0034", "$1,234.50", "100.0 %", "$0.0050"] in rows
    assert ["1", HOSTILE, HOSTILE, HOSTILE, "17.17", "–", "–", "–"] in rows
    assert ["2026-11-20today", "$1,234.50", "$0.0034", "−$1,234.50"] in rows
    assert ["2026-11-19", "–", "$7.00", "–"] in rows
    assert ["2026-11-18", "$10.00", "$12.00", "+$2.00"] in rows
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


def test_each_section_is_explained_in_one_sentence(page: Page) -> None:
    explained = re.findall(r"<h2 id=\"\w+\">([^<]+)</h2>\s*<p>([^<.]+[.])</p>", page.body(WITH_BUDGETS).decode())
    assert [heading for heading, _ in explained] == [
        "Budget allocation",
        "Budgets",
        "Efficiency rankings",
        "Resource utilization",
        "Provider breakdown",
        "Wasted resources",
    ]


def test_an_amount_reads_the_same_wherever_it_is(page: Page) -> None:
    families = (
        Family(allocation.ALLOCATION, [(QUEST, 1234.5)]),
        Family(utilization.DAY_ALLOCATION, [(("2026-11-20", "x"), 1234.5)]),
        Family(utilization.DAY_SPEND, [(("2026-11-20", "x"), 0.0)]),
    )
    html = page.body(Snapshot(NOON, families, ())).decode()
    # A tile, the list beside the donut, the rows of the quest and of the total, the day, and its bar.
    assert html.count("$1,234.50") == 5 + 2
    assert html.count("1,234.5") == html.count("$1,234.50")


def test_spend_over_and_without_a_budget_is_named(page: Page) -> None:
    families = (
        Family(allocation.ALLOCATION, [(("q1", "Gene", "Forge"), 2.0), (("q2", "Atlas", "Atlas"), 0.0)]),
        Family(
            spend.QUEST_SPEND,
            [(("q1", "Gene", "Forge", "1d"), 8.1), (("q2", "Atlas", "Atlas", "1d"), 1.0), (("q3", "Night", "x", "1d"), 3.0)],
        ),
    )
    rows = Outline(page.body(Snapshot(NOON, families, ())).decode()).rows
    assert [row[:5] for row in rows[1:5]] == [
        ["Atlas", "Atlas", "over budget", "$1.00", "$0.00"],
        ["Gene", "Forge", "405.0 %", "$8.10", "$2.00"],
        ["Night", "x", "no budget", "$3.00", "–"],
        ["Total", "", "605.0 %", "$12.10", "$2.00"],
    ]


def test_a_budget_without_an_end_is_shown_with_its_amount(page: Page) -> None:
    keys = [("q1", "Gene", "Forge"), ("q2", "Atlas", "Atlas")]
    families = (
        Family(spend.QUEST_SPEND, [((*key, "1d"), 3.0) for key in keys]),
        Family(budgets.BUDGET, [((*keys[0], "open"), 1200.0), ((*keys[1], "open"), 0.5)]),
        Family(budgets.SPEND, [((*keys[0], "open"), 300.0), ((*keys[1], "open"), 1.0)]),
    )
    outline = Outline(page.body(Snapshot(NOON, families, ())).decode())
    assert [row[:5] for row in outline.rows[1:4]] == [
        ["Atlas", "Atlas", "200.0 %", "$3.00", "$0.50(open)"],
        ["Gene", "Forge", "25.0 %", "$3.00", "$1,200(open)"],
        ["Total", "", "–", "$6.00", "–"],
    ]
    assert "An amount with a period, such as (open)," in outline.text
    assert "no budget" not in outline.text
    assert "An amount with a period" not in Outline(page.body(FULL).decode()).text


def test_quests_of_the_same_name_are_told_apart_by_their_ids(page: Page) -> None:
    twins, single = [("q1", "Gene", "Forge"), (HOSTILE, "Gene", "Forge")], ("q3", "Atlas", "Atlas")
    tasks = [("t1", "One", *twins[0], "30d"), ("t2", "Two", *twins[1], "30d"), ("t3", "Three", *single, "30d")]
    families = (
        Family(allocation.ALLOCATION, [(key, 4.0 - at) for at, key in enumerate([*twins, single])]),
        Family(budgets.BUDGET, [((*key, "month"), 9.0) for key in [*twins, single]]),
        Family(efficiency.TOP_IMPACT_PER_USD, [(key, 3.0 - at) for at, key in enumerate(tasks)]),
        Family(waste.WORST_TOKENS, [((*key[:5], "unscored", "30d"), 3.0 - at) for at, key in enumerate(tasks)]),
    )
    ledgers = (LedgerStatus("budgets", up=True, newest_entry=None, last_success=NOON),)
    outline = Outline(page.body(Snapshot(NOON, families, ledgers)).decode())
    names = ["Geneq1", f"Gene{HOSTILE}", "Atlas"]
    assert [row[0] for row in outline.rows if row[0] in names] == [*names, "Atlas", f"Gene{HOSTILE}", "Geneq1"]
    assert [row[2] for row in outline.rows if row[0] in {"1", "2", "3"}] == names * 2
    legend = " ".join(outline.text.split("Today's allocation by quest")[1].split("Today, the most used")[0].split())
    assert f"1 Gene q1 $4.00 44.4 % 2 Gene {HOSTILE} $3.00 33.3 % 3 Atlas $2.00 22.2 %" in legend
    assert "script" not in outline.tags


def test_charts_are_described_to_a_screen_reader(page: Page) -> None:
    html = page.body(FULL).decode()
    charts = re.findall(r'<svg [^>]*role="img" aria-labelledby="(\S+) (\S+)">', html)
    assert charts == [("donut-title", "donut-text"), ("timeline-title", "timeline-text")]
    for title, text in charts:
        assert f'<title id="{title}">' in html
        assert f'<desc id="{text}">' in html


def test_without_amounts_there_is_no_chart(page: Page) -> None:
    assert "<figure" not in page.body(EMPTY).decode()


def test_every_table_is_told_to_a_screen_reader(page: Page) -> None:
    outline = Outline(page.body(FULL).decode())
    assert outline.tags.count("caption") == outline.tags.count("table") == 6
    assert outline.tags.count("th") == sum(name == "scope" for name, _ in outline.attributes)


def test_a_snapshot_without_families_has_empty_sections(page: Page) -> None:
    text = Outline(page.body(EMPTY).decode()).text
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
