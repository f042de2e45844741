import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientResponse, ClientSession
from multidict import CIMultiDict

from exporter.app import DRAIN_TIMEOUT
from exporter.snapshot import Snapshot
from exporter.web import app
from exporter.web.access import Guard
from exporter.web.app import Reload
from exporter.web.connection import Limits
from exporter.web.readiness import WAITING
from tests.web.serving import DATA, SNAPSHOT, application, served

PAGES = ("/metrics", "/", "/-/alerts", "/-/healthy", "/-/ready")


class Answer:
    """A whole response, read to its end without decoding the body."""

    def __init__(self, response: ClientResponse, body: bytes) -> None:
        self.status, self.headers, self.body = response.status, response.headers, body
        self.text = body.decode(errors="replace")


@asynccontextmanager
async def exporter(
    *, snapshot: Snapshot | None = SNAPSHOT, path: str = "/metrics", on_reload: Reload | None = None
) -> AsyncIterator["Ask"]:
    made = application(Guard(), snapshot=snapshot, path=path, on_reload=on_reload)
    async with served(app=made) as port, ClientSession(f"http://127.0.0.1:{port}", auto_decompress=False) as client:
        yield Ask(client)


class Ask:
    """Sends requests with exactly the headers given."""

    def __init__(self, client: ClientSession) -> None:
        self._client = client

    async def __call__(self, method: str, path: str, *headers: tuple[str, str]) -> Answer:
        automatic = ("Accept", "Accept-Encoding", "User-Agent")
        request = self._client.request(method, path, headers=CIMultiDict(headers), skip_auto_headers=automatic)
        async with request as response:
            return Answer(response, await response.read())


async def test_a_scrape_without_wishes_gets_plain_text() -> None:
    async with exporter() as ask:
        answer = await ask("GET", "/metrics")
    assert answer.status == 200
    assert DATA in answer.body
    assert b"resource_exporter_build_info" in answer.body
    assert not answer.body.endswith(b"# EOF\n")
    assert {name: answer.headers.get(name) for name in ("Content-Type", "Vary", "Cache-Control", "Content-Encoding")} == {
        "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
        "Vary": "Accept, Accept-Encoding",
        "Cache-Control": "no-store",
        "Content-Encoding": None,
    }
    assert answer.headers["Content-Length"] == str(len(answer.body))


async def test_a_scrape_gets_the_format_and_the_coding_it_asks_for() -> None:
    async with exporter() as ask:
        answer = await ask("GET", "/metrics", ("Accept", "application/openmetrics-text"), ("Accept-Encoding", "gzip"))
    assert answer.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Length"] == str(len(answer.body))
    body = gzip.decompress(answer.body)
    assert DATA in body
    assert body.endswith(b"# EOF\n")


async def test_several_lines_of_one_header_count_as_one() -> None:
    async with exporter() as ask:
        lines = (("Accept", "text/plain;q=0.1"), ("Accept", "application/openmetrics-text;q=0.2"))
        assert (await ask("GET", "/metrics", *lines)).headers["Content-Type"].startswith("application/openmetrics-text")


async def test_what_is_not_offered_is_refused_with_what_is() -> None:
    async with exporter() as ask:
        answer = await ask("GET", "/metrics", ("Accept", "application/json"))
    assert answer.status == 406
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert answer.text == (
        "not acceptable: these are offered, in the codings gzip, identity\n"
        "text/plain; version=0.0.4; charset=utf-8\n"
        "application/openmetrics-text; version=1.0.0; charset=utf-8\n"
    )


async def test_before_the_first_snapshot_own_metrics_are_served_and_the_exporter_is_not_ready() -> None:
    async with exporter(snapshot=None) as ask:
        metrics, ready, healthy, page = [await ask("GET", path) for path in ("/metrics", "/-/ready", "/-/healthy", "/")]
    assert (metrics.status, b"resource_exporter_build_info" in metrics.body, DATA in metrics.body) == (200, True, False)
    assert (ready.status, ready.text) == (503, f"{WAITING}\n")
    assert (healthy.status, healthy.text) == (200, "healthy\n")
    assert (page.status, "under way" in page.text) == (200, True)


async def test_with_a_snapshot_the_exporter_is_ready() -> None:
    async with exporter() as ask:
        answer = await ask("GET", "/-/ready")
    assert (answer.status, answer.text) == (200, "ready\n")


@pytest.mark.parametrize("path", PAGES)
async def test_head_is_get_without_the_body(path: str) -> None:
    async with exporter() as ask:
        got, head = await ask("GET", path), await ask("HEAD", path)
    assert (head.status, head.body) == (got.status, b"")
    assert head.headers["Content-Length"] == str(len(got.body))
    assert head.headers["Content-Type"] == got.headers["Content-Type"]


@pytest.mark.parametrize("method,path,allowed", [*(("POST", path, "GET,HEAD") for path in PAGES), ("GET", "/-/reload", "POST")])
async def test_other_methods_are_told_what_is_allowed(method: str, path: str, allowed: str) -> None:
    async with exporter() as ask:
        answer = await ask(method, path)
    assert (answer.status, answer.headers["Allow"], answer.text) == (405, allowed, "405: Method Not Allowed\n")


@pytest.mark.parametrize("path", ["/nowhere", "/metrics/", "/-/", "/../etc/passwd"])
async def test_other_paths_do_not_exist(path: str) -> None:
    async with exporter() as ask:
        answer = await ask("GET", path)
    assert (answer.status, answer.text) == (404, "404: Not Found\n")


@pytest.mark.parametrize("path", ["/", "/-/alerts"])
async def test_the_pages_are_locked_down(path: str) -> None:
    async with exporter() as ask:
        headers = (await ask("GET", path)).headers
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


async def test_another_path_for_the_metrics_is_served_and_linked() -> None:
    async with exporter(path="/own/path") as ask:
        assert DATA in (await ask("GET", "/own/path")).body
        assert (await ask("GET", "/metrics")).status == 404
        assert 'href="./own/path"' in (await ask("GET", "/")).text


async def test_the_page_refreshes_itself_unless_it_is_turned_off() -> None:
    async with exporter() as ask:
        refreshing, still = await ask("GET", "/"), await ask("GET", "/?window=7d&refresh=off")
    assert (refreshing.status, refreshing.headers.get("Refresh")) == (200, "15")
    assert (still.status, still.headers.get("Refresh")) == (200, None)
    assert "Refreshes every 15 seconds." in refreshing.text
    assert "Does not refresh." in still.text


@pytest.mark.parametrize(
    "query", ["window=8d", "window=", "window=%00%ff", "window=1d&window=7d", "refresh=maybe", "%", "x" * 4000]
)
async def test_a_query_that_means_nothing_gets_the_page(query: str) -> None:
    async with exporter() as ask:
        assert (await ask("GET", f"/?{query}")).body == (await ask("GET", "/")).body


async def test_metrics_at_the_root_take_the_place_of_the_page() -> None:
    async with exporter(path="/") as ask:
        assert DATA in (await ask("GET", "/")).body
        assert (await ask("GET", "/-/alerts")).status == 200


async def test_reload_says_how_to_enable_it() -> None:
    async with exporter() as ask:
        answer = await ask("POST", "/-/reload")
    assert answer.status == 403
    assert answer.text == "reload over HTTP is not enabled: start with --web.enable-lifecycle, or send SIGHUP\n"


@pytest.mark.parametrize(
    "outcome,status,text",
    [(None, 200, "reloaded\n"), ("config.yml:3: profile: x", 500, "reload failed: config.yml:3: profile: x\n")],
)
async def test_reload_tells_how_it_went(outcome: str | None, status: int, text: str) -> None:
    async def reload() -> str | None:
        return outcome

    async with exporter(on_reload=reload) as ask:
        answer = await ask("POST", "/-/reload")
    assert (answer.status, answer.text) == (status, text)


async def test_a_reload_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def reload() -> str | None:
        await asyncio.Event().wait()
        return None

    monkeypatch.setattr(app, "RELOAD_TIMEOUT", 0.05)
    async with exporter(on_reload=reload) as ask:
        answer = await ask("POST", "/-/reload")
    assert (answer.status, answer.text) == (
        202,
        "the configuration is valid and is still being applied: the log says whether it succeeds\n",
    )


def test_a_reload_has_time_to_end_the_refreshes_and_to_answer() -> None:
    assert DRAIN_TIMEOUT.total_seconds() < app.RELOAD_TIMEOUT < Limits().request
