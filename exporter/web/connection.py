"""One client's connection, with an end to its patience: aiohttp has none for slow requests and slow readers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

# A browser behind proxies sends some twenty. 512 clients that send these many, as long as may be, make 270 MB wait.
_MOST_HEADERS = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may take: ``connections`` at a time, and seconds.

    ``handshake`` is for TLS, ``request`` from the first byte of a request to the first of its answer, ``answer`` until the
    client has taken that, ``body`` for what it still sends then, and ``idle`` from there to its next request, longer than the
    usual scrape interval of a minute. ``drain`` is for the last scrapes when the exporter stops.
    """

    connections: int = 512
    handshake: float = 10
    request: float = 10
    answer: float = 30
    body: float = 1
    idle: float = 120
    drain: float = 5


class Connection(web.RequestHandler):
    """Closes the connection when a limit is reached, and calls ``on_lost`` at its end.

    ``complete`` adds to an answer what all of them have, those included that aiohttp gives by itself.
    """

    __slots__ = ("_abort", "_complete", "_deadline", "_limits", "_on_lost")

    def __init__(
        self, server: web.Server, limits: Limits, complete: Callable[[web.StreamResponse], None], on_lost: Callable[[], None]
    ) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=limits.idle,
            lingering_time=limits.body,
            access_log=None,  # type: ignore[arg-type] # aiohttp takes it as "none", and says otherwise
            max_headers=_MOST_HEADERS,
            auto_decompress=False,  # no handler reads a body
        )
        self._limits = limits
        self._complete = complete
        self._on_lost = on_lost
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        wire = cast("asyncio.Transport", transport)
        wire.set_write_buffer_limits(high=1, low=0)  # an answer is written when the kernel has all of it
        self._abort = wire.abort
        self._expect(self._limits.request)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request; the first one starts the clock."""
        if data and self._deadline is None:
            self._expect(self._limits.request)
        super().data_received(data)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write the answer, as long as the client takes it."""
        if isinstance(resp, web.HTTPException):  # aiohttp's own, as for a path that there is not
            resp.text = _line(resp.status)
        self._complete(resp)
        self._expect(self._limits.answer)
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._expect(None)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what is no HTTP without a word of it, here or in the log, which anybody could fill."""
        if not isinstance(exc, HttpProcessingError):
            super().handle_error(request, status, exc, message)  # logs it, and gives up if an answer has begun
        response = web.Response(status=status, text=_line(status))
        response.force_close()
        return response

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the clock."""
        self._expect(None)
        super().connection_lost(exc)
        self._on_lost()

    def _expect(self, seconds: float | None) -> None:
        """Close the connection after so many seconds, unless something else is expected before."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self._loop.call_later(seconds, self._abort)


def _line(status: int) -> str:
    return f"{status}: {HTTPStatus(status).phrase}\n"
