"""The documentation as a site: it builds without a warning, every link leads somewhere, and nothing comes from another host."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from playwright.sync_api import sync_playwright

from tests.blocks import BLOCKS
from tests.conftest import ROOT
from tests.rules.rulebook import ALERTS
from tests.test_links import PAGES

TABLE = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Documentation\n")[2]


@dataclass
class Built(HTMLParser):
    """A page of the site: its ids, what a reader may follow, what a browser loads by itself, and its code blocks."""

    path: Path
    ids: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)
    code: list[str] = field(default_factory=list)
    _in_code: bool = False

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "pre":
            self.code.append("")
            self._in_code = True
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            elif name in {"href", "src"}:
                (self.links if tag == "a" else self.loaded).add(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._in_code = self._in_code and tag != "pre"

    def handle_data(self, data: str) -> None:
        if self._in_code:
            self.code[-1] += data


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site. In its own process, because the builder warns of its own future."""
    directory = tmp_path_factory.mktemp("site")
    (command,) = re.findall(r"\$\(BIN\)/(mkdocs .*) \$\(ARGS\)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    build = [sys.executable, "-m", *command.split(), f"--site-dir={directory}"]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(build, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert "INFO" in built.stderr  # otherwise the strict mode counts no warnings
    assert "WARNING" not in built.stderr
    return directory


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Built]:
    """The pages of the site by their files."""
    return {path: Built(path) for path in site.rglob("*.html")}


def _target(link: str, page: Path, site: Path) -> Path:
    """The file to which a link within the site leads."""
    path = unquote(urlsplit(link).path)
    target = (site / path.lstrip("/") if path.startswith("/") else page.parent / path).resolve() if path else page
    return target / "index.html" if target.is_dir() else target


def _built(page: str) -> str:
    """The file that a page of the repository becomes."""
    return page.removesuffix(".md").replace("README", "index") + ".html"


def test_every_page_of_the_repository_is_in_the_site(site: Path) -> None:
    pages = {_built(page.relative_to(ROOT).as_posix()) for page in PAGES}
    assert pages | {"404.html"} == {page.relative_to(site).as_posix() for page in site.rglob("*.html")}


def test_every_code_block_is_unchanged(site: Path, pages: dict[Path, Built]) -> None:
    expected = Counter((_built(block.page), block.text) for block in BLOCKS)
    assert Counter((path.relative_to(site).as_posix(), text) for path, page in pages.items() for text in page.code) == expected


def test_every_link_and_every_loaded_file_is_in_the_site(site: Path, pages: dict[Path, Built]) -> None:
    inside = [(path, link) for path, page in pages.items() for link in page.links | page.loaded if not urlsplit(link).scheme]
    missing = [(path.name, link) for path, link in inside if not _target(link, path, site).is_file()]
    astray = [
        (path.name, link)
        for path, link in inside
        if (target := pages.get(_target(link, path, site)))
        and (anchor := urlsplit(link).fragment)
        and unquote(anchor) not in target.ids
    ]
    assert len(inside) > 1000
    assert (missing, astray) == ([], [])


def test_no_page_and_no_style_loads_anything_from_another_host(site: Path, pages: dict[Path, Built]) -> None:
    loaded = {link for page in pages.values() for link in page.loaded}
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    loaded |= set(re.findall(r"""(?:@import|url\()\s*["']?([^"')]+)""", styles))
    assert len(loaded) > 10
    assert [link for link in loaded if urlsplit(link).scheme not in {"", "data"} or link.startswith("//")] == []


def test_links_to_files_that_are_no_pages_are_paths(site: Path) -> None:
    text = (site / "docs/reliability.html").read_text(encoding="utf-8")
    assert "<code>tests/faults/test_busy_days.py</code>" in text
    assert "](" not in re.sub(r"<code.*?</code>", "", text, flags=re.DOTALL)


def test_every_alert_has_its_place(site: Path, pages: dict[Path, Built]) -> None:
    assert {alert.name.lower() for alert in ALERTS} <= pages[site / "docs/alerts.html"].ids


def test_the_navigation_has_the_groups_titles_and_order_of_the_readme() -> None:
    (nav,) = re.findall(r"^nav:\n.*", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    home, *groups = yaml.safe_load(nav)["nav"]
    rows = re.findall(r"^\| ([a-z][^|]+) \| (\[[^|]+) \|$", TABLE, re.MULTILINE)
    listed = [(group.capitalize(), re.findall(r"\[([^]]+)\]\(([^)]+)\)", links)) for group, links in rows]
    assert home == {"Home": "README.md"}
    shown = [
        (name, [(title, path) for page in entries for title, path in page.items() if f"]({path})" in TABLE])
        for group in groups
        for name, entries in group.items()
    ]
    assert shown == listed
    assert len(listed) == 7


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
        pass


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    """The address of a server of the site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(site))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.mark.slow
@pytest.mark.prometheus("chromium")
def test_search_finds_a_page_in_the_dark_and_the_browser_asks_no_other_host(address: str) -> None:
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--disable-gpu", "--disable-quic"])
        tab = browser.new_context(color_scheme="dark").new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: asked.append(message.text))
        tab.goto(address)
        assert tab.locator("body").get_attribute("data-md-color-scheme") == "slate"
        # The index is loaded then. Before, a text in the field would have no effect.
        tab.locator(".md-search-result__meta", has_text="Type to start searching").wait_for(state="attached")
        tab.get_by_role("textbox", name="Search").press_sequentially("QuestBurnRateFast")
        tab.locator(".md-search-result__link", has_text="Alerts").first.click()
        tab.wait_for_url(re.compile(r"/docs/alerts\.html"))
        browser.close()
    assert len(asked) > 5
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
