"""One client's connection, bounded in time and memory: aiohttp bounds neither slow requests and readers nor what these hold."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

# A browser behind proxies sends some twenty.
_MOST_HEADERS = 64
# Of a head, and of what is kept of a client before its last request is answered. As text in Python it takes five times that.
_MOST_BYTES = 16 << 10
# Of an answer, in memory a second time until the client takes it.
_PIECE = 16 << 10


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

    It reads no further while more than a head waits for an answer, and holds one piece of an answer besides the body that
    all clients share.

    ``complete`` adds to an answer what all of them have, those included that aiohttp gives by itself.
    """

    __slots__ = ("_complete", "_deadline", "_idle", "_limits", "_on_lost", "_partial", "_unanswered", "_wire")

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
            read_bufsize=_MOST_BYTES,
            auto_decompress=False,  # no handler reads a body
        )
        self._limits = limits
        self._complete = complete
        self._on_lost = on_lost
        self._deadline: asyncio.TimerHandle | None = None
        self._idle = True
        self._partial = False
        self._unanswered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wire = cast("asyncio.Transport", transport)
        self._wire.set_write_buffer_limits(high=1, low=0)  # an answer is written when the kernel has all of it
        self._expect(self._limits.request)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request; the first one starts the clock. One that ends elsewhere than a head has begun another."""
        if data:
            self._partial = not data.endswith(b"\r\n\r\n")
            if self._deadline is None:
                self._expect(self._limits.request)
        self._unanswered += len(data)
        super().data_received(data)
        if self._unanswered > _MOST_BYTES:
            self._bound()
        self._idle = self._idle and not self._messages

    def _bound(self) -> None:
        """Refuse a head that is too long, and read no further before an answer."""
        if self._idle and not self._messages:
            super().data_received(b"\0")  # belongs in no head; aiohttp bounds lines and their number, not a whole one
        self._wire.pause_reading()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write the answer, as long as the client takes it; the clock of a next request that has begun starts then."""
        if isinstance(resp, web.HTTPException):  # aiohttp's own, as for a path that there is not
            resp.text = _line(resp.status)
        self._complete(resp)
        _cut(resp)
        if not request.content.is_eof():
            resp.force_close()  # its body is not read, so nobody knows where the next request begins
        self._expect(self._limits.answer)
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._expect(self._limits.request if self._messages or self._partial else None)
            if not self._messages:
                self._idle, self._unanswered = request.content.is_eof(), 0
                self._wire.resume_reading()

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
        self._deadline = None if seconds is None else self._loop.call_later(seconds, self._wire.abort)


def _line(status: int) -> str:
    return f"{status}: {HTTPStatus(status).phrase}\n"


def _cut(response: web.StreamResponse) -> None:
    """Have a long body written piece by piece: the transport copies what the client does not take at once."""
    if isinstance(response, web.Response) and isinstance(body := response.body, bytes) and len(body) > _PIECE:
        response.headers[hdrs.CONTENT_LENGTH] = str(len(body))
        response.body = _pieces(memoryview(body))


async def _pieces(body: memoryview) -> AsyncIterator[memoryview]:
    for start in range(0, len(body), _PIECE):
        yield body[start : start + _PIECE]
