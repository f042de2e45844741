from exporter.metrics import Family
from exporter.sections import allocation, budgets, spend, waste
from exporter.web.page.lookup import Lookup
from exporter.web.page.rows import QuestRow, WasteRow
from exporter.web.page.tiles import Tile, tiles

GENE, ATLAS = ("q1", "Gene", "Agora", "day"), ("q2", "Atlas", "Atlas", "day")
UNKNOWN = QuestRow("Total", "", None, None, None, None)
NOTHING = WasteRow("Total", None, None, None)


def test_a_tile_has_a_number() -> None:
    found = Lookup(
        [Family(budgets.BUDGET, [(GENE, 10.0), (ATLAS, 90.0)]), Family(budgets.SPEND, [(GENE, 20.0), (ATLAS, 20.0)])]
    )
    today, wasted = QuestRow("Total", "", 100.0, 40.0, 80.0, 100.0), WasteRow("Total", 1.0, 2.0, 3.0)
    assert tiles(found, today, wasted, "7d", {}) == (
        Tile("Allocated today", "$100.00"),
        Tile("Spent today", "$40.00", "40.0 % of budget"),
        Tile("Projected today", "$80.00"),
        Tile("Over budget", "1", "of 2 quests", bad=True),
        Tile("Wasted, the last 7 days", "$3.00", bad=True),
    )


def test_only_what_is_over_budget_or_wasted_is_bad() -> None:
    found = Lookup([Family(budgets.BUDGET, [(GENE, 10.0)]), Family(budgets.SPEND, [(GENE, 10.0)])])
    within = tiles(found, QuestRow("Total", "", 10.0, 10.0, 10.0, 10.0), WasteRow("Total", 0.0, 0.0, 0.0), "1d", {})
    assert [tile.bad for tile in within] == [False] * 5
    assert within[3:] == (Tile("Over budget", "0", "of 1 quest"), Tile("Wasted, today", "$0.00"))
    over = tiles(found, QuestRow("Total", "", 10.0, 10.5, 10.0, 10.0), NOTHING, "1d", {})
    assert over[1] == Tile("Spent today", "$10.50", "105.0 % of budget", bad=True)


def test_an_unknown_number_is_a_reason() -> None:
    metrics = (allocation.ALLOCATION, spend.QUEST_SPEND, spend.PROJECTED, budgets.SPEND, waste.QUEST_USD)
    absent = {metric.name: f"No {metric.name}." for metric in metrics}
    assert [(tile.value, tile.detail) for tile in tiles(Lookup([]), UNKNOWN, NOTHING, "1d", absent)] == [
        (None, f"No {metric.name}.") for metric in metrics
    ]


def test_nothing_is_not_the_same_as_unknown() -> None:
    assert [(tile.value, tile.detail) for tile in tiles(Lookup([]), UNKNOWN, WasteRow("Total", 0.0, 0.0, 0.0), "1d", {})] == [
        (None, "Nothing is allocated today."),
        (None, "No spend today."),
        (None, "No spend yet, or too early in the day."),
        (None, "No budget holds today."),
        ("$0.00", ""),
    ]
