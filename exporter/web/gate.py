"""What every request passes: authentication on the way in, headers on the way out."""

from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from exporter.web.access import Access, Guard
from exporter.web.access.passwords import Passwords
from exporter.web.access.turns import client

# Numbers about money change every second and belong in no cache on the way. Nothing here needs a script, a frame or a referrer.
_DEFAULTS: Final = {
    hdrs.CACHE_CONTROL: "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    hdrs.SERVER: "resource-exporter",  # aiohttp would tell its version and that of Python
}
_CHALLENGE: Final = {hdrs.WWW_AUTHENTICATE: 'Basic realm="Resource Exporter", charset="UTF-8"'}


def build_gate(app: web.Application, guard: Guard) -> None:
    """Put the gate around all routes of the application, and around what has no route."""
    passwords = Passwords()

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        users = guard.access.users
        if users and not await passwords.admits(users, request.headers.get(hdrs.AUTHORIZATION), client(request.remote)):
            return web.Response(status=401, text="unauthorized\n", headers=_CHALLENGE)
        return await handler(request)

    app.middlewares.append(authenticate)


def complete(response: web.StreamResponse, access: Access) -> None:
    """Give an answer, whatever it says, the headers that all answers have; those of the operator come first."""
    for name, value in _DEFAULTS.items():
        response.headers.setdefault(name, value)
    response.headers.update(access.headers)
