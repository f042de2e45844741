"""One client connection with limits on time and memory, which aiohttp does not have for slow requests and slow readers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

# A browser behind proxies sends about 20.
_MOST_HEADERS = 64
# Of the head of a request, and of all unanswered requests of a client. As Python objects they take five times as much.
_MOST_BYTES = 16 << 10
# Of a response that are copied for each client at a time. One call for all of it is faster, until it fills the kernel's buffer.
_CHUNK = 64 << 10
_WHOLE = 128 << 10


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for clients: ``connections`` is a number, the others are timeouts in seconds.

    ``handshake``: for TLS. ``request``: from the first byte of a request to the first byte of the response. ``answer``: until
    the client has read the response. ``body``: for the rest of a request's body after that. ``idle``: until the next request;
    longer than the usual scrape interval of a minute. ``drain``: for the last scrapes when the exporter stops.
    """

    connections: int = 512
    handshake: float = 10
    request: float = 10
    answer: float = 30
    body: float = 1
    idle: float = 120
    drain: float = 5


class Connection(web.RequestHandler):
    """Closes the connection when a limit is reached. Calls ``on_lost`` when it is closed.

    It stops reading while unanswered requests exceed the size of one head. It copies one chunk of a long response at a time;
    all clients share the response itself. ``complete`` adds headers to every response, including those that aiohttp creates.
    """

    __slots__ = ("_complete", "_limits", "_on_lost", "_partial", "_timeout", "_unanswered", "_wire")

    def __init__(
        self, server: web.Server, limits: Limits, complete: Callable[[web.StreamResponse], None], on_lost: Callable[[], None]
    ) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=limits.idle,
            lingering_time=limits.body,
            access_log=None,  # type: ignore[arg-type] # aiohttp accepts None, but its types do not
            max_headers=_MOST_HEADERS,
            read_bufsize=_MOST_BYTES,
            auto_decompress=False,  # no handler reads a body
        )
        self._limits = limits
        self._complete = complete
        self._on_lost = on_lost
        self._timeout: asyncio.TimerHandle | None = None
        self._partial = False
        self._unanswered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the timeout for the first request."""
        super().connection_made(transport)
        self._wire = cast("asyncio.Transport", transport)
        self._wire.set_write_buffer_limits(high=1, low=0)  # so that a write waits until the kernel has all of it
        self._set_timeout(self._limits.request)

    def data_received(self, data: bytes) -> None:
        """Parse a part of a request; its first byte starts the timeout. Data that does not end a head is partial."""
        if data:
            self._partial = not data.endswith(b"\r\n\r\n")
            if self._timeout is None:
                self._set_timeout(self._limits.request)
        self._unanswered += len(data)
        super().data_received(data)
        if self._unanswered > _MOST_BYTES:
            if self._waiter and not self._messages:  # the head of the next request is too long
                super().data_received(b"\0")  # invalid, so aiohttp answers 400; it limits lines, not the whole head
            self._wire.pause_reading()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write the response within its timeout; then the timeout of the next request starts, if its data has arrived."""
        if isinstance(resp, web.HTTPException):  # created by aiohttp, such as 404
            resp.text = _line(resp.status)
        self._complete(resp)
        _split(resp)
        if not request.content.is_eof():
            resp.force_close()  # its body is not read, so the start of the next request is unknown
        self._set_timeout(self._limits.answer)
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._set_timeout(self._limits.request if self._messages or self._partial else None)
            if not self._messages:
                self._unanswered = 0
                self._wire.resume_reading()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer invalid HTTP. Neither the response nor the log repeats any of it, so that clients cannot fill the log."""
        if not isinstance(exc, HttpProcessingError):
            super().handle_error(request, status, exc, message)  # logs it; raises if a response has started
        response = web.Response(status=status, text=_line(status))
        response.force_close()
        return response

    def connection_lost(self, exc: BaseException | None) -> None:
        """Cancel the timeout."""
        self._set_timeout(None)
        super().connection_lost(exc)
        self._on_lost()

    def _set_timeout(self, seconds: float | None) -> None:
        """Close the connection after this time, unless called again before. None: no timeout."""
        if self._timeout is not None:
            self._timeout.cancel()
        self._timeout = None if seconds is None else self._loop.call_later(seconds, self._wire.abort)


def _line(status: int) -> str:
    return f"{status}: {HTTPStatus(status).phrase}\n"


def _split(response: web.StreamResponse) -> None:
    """Write a long body in chunks: the transport copies what the client does not read at once."""
    if isinstance(response, web.Response) and isinstance(body := response.body, bytes) and len(body) > _WHOLE:
        response.headers[hdrs.CONTENT_LENGTH] = str(len(body))
        response.body = _chunks(memoryview(body))


async def _chunks(body: memoryview) -> AsyncIterator[memoryview]:
    for start in range(0, len(body), _CHUNK):
        yield body[start : start + _CHUNK]
