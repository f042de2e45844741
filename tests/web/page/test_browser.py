"""What the page looks like in a real browser, on screens of several widths and on paper. It needs no server and no network."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Route, sync_playwright
from playwright.sync_api import Page as Tab

from exporter.snapshot import Snapshot
from exporter.web.page.page import Page, PageContext
from tests.web.page.fleets import EMPTY, UNKNOWN, fleet

pytestmark = [pytest.mark.slow, pytest.mark.prometheus("chromium")]

Scheme = Literal["light", "dark"]
Show = Callable[..., Tab]

ADDRESS = "http://exporter.test/prefix/"
SNAPSHOTS: Mapping[str, Snapshot | None] = {
    "a fleet": fleet(14),
    "one quest": fleet(1),
    "sixty quests": fleet(60),
    "no impacts": fleet(14, impacts=False),
    "an empty ledger": EMPTY,
    "nothing read": UNKNOWN,
    "no snapshot": None,
}
A4 = 703
"""The width of the paper between its margins, in CSS pixels."""
CUT = """() => [...document.querySelectorAll('body *')].filter(element =>
    element.checkVisibility() && getComputedStyle(element).overflowX !== 'visible' && element.scrollWidth > element.clientWidth
).map(element => element.outerHTML.slice(0, 200))"""
BEYOND = """() => [...document.querySelectorAll('th, td, dt, dd, p, li, text, span')].filter(element => {
    const box = element.getBoundingClientRect();
    return element.checkVisibility() && (box.left < 0 || box.right > innerWidth);
}).map(element => element.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium from the distribution. It is closed before other tests, whose event loops could not run beside it."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--disable-gpu", "--disable-quic"])


@pytest.fixture
def show(browser: Browser) -> Iterator[Show]:
    """Open the page of a snapshot. At the end, the browser must have reported no error, such as a refused style."""
    errors: list[str] = []
    contexts = []

    def opened(snapshot: Snapshot | None, width: int = 1280, scheme: Scheme = "light", query: str = "") -> Tab:
        contexts.append(browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme))
        tab = contexts[-1].new_page()
        tab.on("console", lambda message: errors.append(message.text))
        tab.on("requestfailed", lambda request: errors.append(request.url))
        tab.route("**/*", _serving(snapshot))
        tab.goto(ADDRESS + query)
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def _serving(snapshot: Snapshot | None) -> Callable[[Route], None]:
    page = Page(PageContext("1.2.3", "/metrics"))

    def serve(route: Route) -> None:
        url = urlsplit(route.request.url)
        query = parse_qs(url.query)
        body = page.body(snapshot, query.get("window", [""])[0], refresh="refresh" not in query)
        body = page.alerts if url.path.endswith("/-/alerts") else body
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": page.content_security_policy}
        route.fulfill(body=body, headers=headers)

    return serve


def every(name: str = "snapshot") -> pytest.MarkDecorator:
    return pytest.mark.parametrize(name, list(SNAPSHOTS.values()), ids=list(SNAPSHOTS))


@pytest.mark.parametrize(
    "name, scheme, width",
    [
        *(("a fleet", scheme, width) for scheme in ("light", "dark") for width in (400, 1280)),
        ("no impacts", "dark", 400),
        ("an empty ledger", "light", 1280),
        ("no snapshot", "dark", 1280),
    ],
)
def test_axe_has_no_finding(show: Show, name: str, scheme: Scheme, width: int) -> None:
    results = Axe().run(show(SNAPSHOTS[name], width, scheme))
    assert results.response["passes"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in results.response["violations"]] == []


@every()
def test_nothing_is_cut_and_nothing_scrolls_sideways(show: Show, snapshot: Snapshot | None) -> None:
    tab = show(snapshot)
    for width in (360, 400, 768, 961, 1280, 1840, 1920):
        tab.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate("document.scrollingElement.scrollWidth") == width
        assert tab.evaluate(CUT) == [], width
        assert tab.evaluate(BEYOND) == [], width


@pytest.mark.parametrize("section", ["allocation", "budgets"])
def test_the_used_share_is_in_view_on_a_phone(show: Show, section: str) -> None:
    tab = show(SNAPSHOTS["sixty quests"], 400)
    headings = tab.locator(f"section.{section} thead th").all_inner_texts()
    cells = tab.locator(f"section.{section} tbody tr > :nth-child({headings.index('Used') + 1})")
    assert "Used" in headings
    assert cells.count() >= 20
    edges = cells.evaluate_all("cells => cells.map(cell => cell.getBoundingClientRect()).map(box => [box.left, box.right])")
    assert all(0 <= left < right <= 400 for left, right in edges)


@pytest.mark.parametrize("width", [400, 1280, 1920])
def test_charts_are_drawn(show: Show, width: int) -> None:
    tab = show(SNAPSHOTS["sixty quests"], width)
    assert tab.locator(".donut circle").count() == 9
    assert tab.locator(".legend li").last.inner_text().split()[1] == "Other"
    for chart, least in ((".donut", 150), (".plot svg", 250)):
        box = tab.locator(chart).bounding_box()
        assert box is not None
        assert box["width"] >= least
        assert box["height"] >= 150
    heights = tab.locator(".plot rect.spent").evaluate_all("bars => bars.map(bar => bar.getBoundingClientRect().height)")
    assert len(heights) == 30
    assert min(heights) > 20
    assert tab.locator(".plot rect.over").count() == 7


def test_the_first_chart_is_within_two_screens_of_a_phone(show: Show) -> None:
    box = show(SNAPSHOTS["sixty quests"], 400).locator(".donut").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 2 * 800


def test_paper_has_all_columns(show: Show) -> None:
    tab = show(SNAPSHOTS["sixty quests"], A4, "dark")
    headings = tab.locator("thead th").count()
    assert tab.locator("thead th:visible").count() < headings
    tab.emulate_media(media="print")
    assert tab.locator("thead th:visible").count() == headings
    assert tab.evaluate(CUT) == []
    assert tab.evaluate(BEYOND) == []
    assert tab.evaluate("getComputedStyle(document.body).color") == "rgb(28, 37, 48)"
    assert tab.pdf(format="A4").startswith(b"%PDF")


def test_links_keep_the_prefix_of_a_proxy_and_each_other(show: Show) -> None:
    tab = show(SNAPSHOTS["a fleet"])
    tab.get_by_role("link", name="Turn off").click()
    assert tab.url == f"{ADDRESS}?window=30d&refresh=off"
    tab.get_by_role("link", name="7d").click()
    assert tab.url == f"{ADDRESS}?window=7d&refresh=off"
    assert tab.locator("[aria-current]").inner_text() == "7d"
    tab.get_by_role("link", name="Refresh every 15 seconds").click()
    assert tab.url == f"{ADDRESS}?window=7d"


def test_the_page_of_alerts_fits_and_its_links_keep_the_prefix(show: Show) -> None:
    tab = show(SNAPSHOTS["one quest"])
    tab.get_by_role("link", name="Alerts").click()
    assert tab.url == f"{ADDRESS}-/alerts"
    assert Axe().run(tab).response["violations"] == []
    for width in (360, 768, 1920):
        tab.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate("document.scrollingElement.scrollWidth") == width
        assert tab.evaluate(CUT) == [], width
        assert tab.evaluate(BEYOND) == [], width
    tab.get_by_role("link", name="Resource Dashboard").click()
    assert tab.url == ADDRESS


def test_badges_have_the_colour_of_their_layer(show: Show) -> None:
    for scheme in ("light", "dark"):
        badge = show(SNAPSHOTS["a fleet"], scheme=scheme).locator(".badge.forge").first
        assert badge.evaluate("badge => getComputedStyle(badge).backgroundColor") == "rgb(120, 110, 10)"
