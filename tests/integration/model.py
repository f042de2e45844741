"""A naive model of the report: loops over all rows, in exact fractions, written from the definitions only."""

from datetime import datetime

from tests.integration import allowance, judgement, money
from tests.integration.books import Books
from tests.integration.page import Page
from tests.integration.rules import Reading, Settings


def report(books: Books, settings: Settings, now: datetime) -> Page:
    """All data samples, recomputed from all rows as of a moment."""
    reading, page = Reading(books, settings, now), Page()
    page.put("resource_report_info", ("timezone", "profile"), (settings.zone.key, "scidex"), 1)
    page.put("resource_budget_day_elapsed_ratio", (), (), money.elapsed(reading))
    money.allocation(page, reading)
    allowance.budgets(page, reading)
    money.quest_spend(page, reading)
    if books.costs is not None:
        money.spend(page, reading)
        money.providers(page, reading)
    if books.impacts is not None and "impacts.impact_score" not in books.unmapped:
        judgement.efficiency(page, reading)
        judgement.waste(page, reading)
        if books.costs is not None and "costs.task_id" not in books.unmapped:
            judgement.shared(page, reading)
    return page
