"""The routes. A scrape gets bytes that are already rendered; no handler reads a ledger."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import hdrs, web

from exporter.exposition.bodies import Publisher
from exporter.exposition.negotiation import REPRESENTATIONS, Encoding, Format, Representation, negotiate
from exporter.web.access import Guard
from exporter.web.gate import require_authentication
from exporter.web.page.page import REFRESH_SECONDS, Page, PageContext
from exporter.web.readiness import words

Reload = Callable[[], Awaitable[str | None]]
Handler = Callable[[web.Request], Awaitable[web.Response]]

RELOAD_TIMEOUT = 8.0
"""Seconds. Refreshes get 5 s to end before a new configuration is used, and a response must start within 10 s."""

_NOT_ENABLED = "reload over HTTP is not enabled: start with --web.enable-lifecycle, or send SIGHUP\n"
_IN_PROGRESS = "the configuration is valid and is still being applied: the log says whether it succeeds\n"


def build_app(
    publisher: Publisher,
    context: PageContext,
    guard: Guard,
    on_reload: Reload | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> web.Application:
    """Return the application. ``guard`` says which users may send requests.

    ``on_reload`` reloads the configuration. It returns None on success, else one line without secrets: what is wrong and how to
    fix it. It may be cancelled while it waits. Without it, ``POST /-/reload`` answers 403. ``stopping`` returns whether the
    exporter is shutting down. If the telemetry path is ``/``, there is no page of the snapshot.
    """
    app = web.Application()
    require_authentication(app, guard)
    app.router.add_get(context.telemetry_path, _metrics(publisher))
    page = Page(context)
    if context.telemetry_path != "/":
        app.router.add_get("/", _page(publisher, page))
    app.router.add_get("/-/alerts", _alerts(page))
    app.router.add_get("/-/healthy", _healthy)
    app.router.add_get("/-/ready", _ready(publisher, stopping))
    app.router.add_post("/-/reload", _reload(on_reload))
    return app


def _metrics(publisher: Publisher) -> Handler:
    headers = {each: _headers(each) for each in REPRESENTATIONS}

    async def metrics(request: web.Request) -> web.Response:
        best = negotiate(_joined(request, hdrs.ACCEPT), _joined(request, hdrs.ACCEPT_ENCODING))
        if best is None:
            return _not_acceptable()
        return web.Response(body=publisher.body(best), headers=headers[best])

    return metrics


def _headers(representation: Representation) -> Mapping[str, str]:
    headers: dict[str, str] = {hdrs.CONTENT_TYPE: representation.format.content_type, hdrs.VARY: "Accept, Accept-Encoding"}
    if representation.encoding is not Encoding.IDENTITY:
        headers[hdrs.CONTENT_ENCODING] = representation.encoding.value
    return headers


def _joined(request: web.Request, name: str) -> str | None:
    """Return the lines of a list header joined into one (RFC 9110, section 5.3), or None if there is no such header."""
    lines = request.headers.getall(name, None)
    return None if lines is None else ", ".join(lines)


def _not_acceptable() -> web.Response:
    offered = "".join(f"{each.content_type}\n" for each in Format)
    codings = ", ".join(each.value for each in Encoding)
    text = f"not acceptable: these are offered, in the codings {codings}\n{offered}"
    return web.Response(status=406, text=text, headers={hdrs.VARY: "Accept, Accept-Encoding"})


def _page(publisher: Publisher, page: Page) -> Handler:
    headers = _html(page)
    refreshing = headers | {"Refresh": str(REFRESH_SECONDS)}

    async def index(request: web.Request) -> web.Response:
        refresh = request.query.get("refresh") != "off"
        body = page.body(publisher.snapshot, request.query.get("window"), refresh=refresh)
        return web.Response(body=body, headers=refreshing if refresh else headers)

    return index


def _alerts(page: Page) -> Handler:
    headers = _html(page)

    async def alerts(_request: web.Request) -> web.Response:
        return web.Response(body=page.alerts, headers=headers)

    return alerts


def _html(page: Page) -> dict[str, str]:
    return {hdrs.CONTENT_TYPE: "text/html; charset=utf-8", "Content-Security-Policy": page.content_security_policy}


async def _healthy(_request: web.Request) -> web.Response:
    return _text(200, "healthy\n")


def _ready(publisher: Publisher, stopping: Callable[[], bool]) -> Handler:
    async def ready(_request: web.Request) -> web.Response:
        ready, ending = publisher.ready, stopping()
        return _text(200 if ready and not ending else 503, words(publisher.snapshot, ready=ready, stopping=ending))

    return ready


def _reload(on_reload: Reload | None) -> Handler:
    async def reload(_request: web.Request) -> web.Response:
        if on_reload is None:
            return _text(403, _NOT_ENABLED)
        try:
            async with asyncio.timeout(RELOAD_TIMEOUT):
                wrong = await on_reload()
        except TimeoutError:
            return _text(202, _IN_PROGRESS)
        return _text(200, "reloaded\n") if wrong is None else _text(500, f"reload failed: {wrong}\n")

    return reload


def _text(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text)
