"""The page of the runbooks: it is generated from docs/alerts.md, and the links of all alerts lead to a place on it."""

from docs import runbooks
from exporter.web.page.page import Page, PageContext
from tests.rules.rulebook import ALERTS
from tests.web.page.outline import Outline

OUTLINE = Outline(Page(PageContext("1.2.3", "/metrics")).alerts.decode())


def test_the_page_is_up_to_date() -> None:
    assert runbooks.runbooks() == runbooks.TARGET.read_text(encoding="utf-8"), "run: make docs"


def test_every_link_on_the_page_and_of_an_alert_leads_somewhere() -> None:
    ids = [value for name, value in OUTLINE.attributes if name == "id"]
    links = [value for name, value in OUTLINE.attributes if name == "href" and value and not value.startswith("data:")]
    anchors = {link.removeprefix("#") for link in links if link.startswith("#")}
    assert len(ids) == len(set(ids))
    assert {alert.name.lower() for alert in ALERTS} <= anchors <= set(ids)
    assert [link for link in links if not link.startswith("#")] == [".."]


def test_the_text_is_that_of_the_documentation() -> None:
    text = " ".join(OUTLINE.text.split())
    assert "Fires when spend in the period reaches 80 % of the budget (resource:budget_warning_ratio:threshold)." in text
    assert "Several exporters with different shards raise one alert" in text
    assert ["ExporterDown", "critical", "no exporter can be scraped"] in OUTLINE.rows
    assert "Resource Exporter 1.2.3" in text
