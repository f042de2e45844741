"""Authentication of every request, and the headers of every response."""

from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from exporter.web.access import Guard
from exporter.web.access.passwords import Passwords
from exporter.web.access.turns import client

# No cache may keep amounts of money. Nothing here needs a script, a frame or a referrer.
_DEFAULTS: Final = {
    hdrs.CACHE_CONTROL: "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    hdrs.SERVER: "resource-exporter",  # instead of the versions of aiohttp and Python
}
_CHALLENGE: Final = {hdrs.WWW_AUTHENTICATE: 'Basic realm="Resource Exporter", charset="UTF-8"'}


def require_authentication(app: web.Application, guard: Guard) -> None:
    """Authenticate every request to the application, including those without a route, when ``guard`` has users."""
    passwords = Passwords()

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        users = guard.access.users
        if users and not await passwords.admits(users, request.headers.get(hdrs.AUTHORIZATION), client(request.remote)):
            return web.Response(status=401, text="unauthorized\n", headers=_CHALLENGE)
        return await handler(request)

    app.middlewares.append(authenticate)


def add_headers(guard: Guard, response: web.StreamResponse) -> None:
    """Add the headers that all responses have. Those of the web configuration take precedence."""
    for name, value in _DEFAULTS.items():
        response.headers.setdefault(name, value)
    response.headers.update(guard.access.headers)
