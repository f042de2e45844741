"""What every request passes, whatever becomes of it."""

from base64 import b64encode
from pathlib import Path

import pytest
from aiohttp import web

from exporter.web.access import Guard
from tests.web.serving import DATA, Answer, answer, ask, said, served, write

# Of "hunter2", at the least cost.
USERS = "basic_auth_users: {alice: $2b$04$prcMHzCEl3WIzPjCGwAYb.NN7CNhFoQbQydfysQ69q7EC3Pt5K5lu}\n"
RIGHT = "Basic " + b64encode(b"alice:hunter2").decode()
WRONG = "Basic " + b64encode(b"alice:hunter3").decode()
REFUSED = [
    "nonsense\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: x\r\n\r\n",
]
EVERYWHERE = ["/metrics", "/", "/-/healthy", "/-/ready", "/-/reload", "/nowhere"]
DEFAULTS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Server": "resource-exporter",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
HEADERS = """\
http_server_config:
  headers:
    Content-Security-Policy: default-src 'self'
    X-Frame-Options: sameorigin
    Strict-Transport-Security: max-age=60
"""


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    """One user, and headers of one's own."""
    return write(tmp_path / "web.yml", USERS + HEADERS)


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize("authorization", [None, WRONG, "Bearer hunter2"])
async def test_nothing_is_to_be_had_without_the_password(guard: Guard, path: str, authorization: str | None) -> None:
    async with served(guard) as port:
        refused = await ask(port, path, authorization=authorization)
    assert (refused.status, refused.body) == (401, b"unauthorized\n")
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="Resource Exporter", charset="UTF-8"'


@pytest.mark.parametrize("path, status", list(zip(EVERYWHERE, (200, 200, 200, 200, 405, 404), strict=True)))
async def test_with_the_password_everything_is_as_without_one(guard: Guard, path: str, status: int) -> None:
    async with served(guard) as port:
        assert (await ask(port, path, authorization=RIGHT)).status == status


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "DELETE"])
async def test_no_method_goes_round_the_password(guard: Guard, method: str) -> None:
    async with served(guard) as port:
        refused = await said(port, f"{method} /-/reload HTTP/1.0\r\nContent-Length: 0\r\n\r\n".encode())
    assert answer(refused).status == 401


async def test_the_password_is_asked_for_again_when_it_changes(guard: Guard, tmp_path: Path) -> None:
    async with served(guard) as port:
        assert DATA in (await ask(port, authorization=RIGHT)).body
        (tmp_path / "web.yml").write_text(USERS.replace("alice", "bob"))
        guard.reload()
        assert (await ask(port, authorization=RIGHT)).status == 401
        (tmp_path / "web.yml").write_text("{}")
        guard.reload()
        assert (await ask(port)).status == 200


async def asked(port: int, what: str, authorization: str | None = None) -> Answer:
    """What a path answers, or what is refused before there is one."""
    if what.startswith("/"):
        return await ask(port, what, authorization=authorization)
    return answer(await said(port, what.encode()))


@pytest.mark.parametrize("what", [*EVERYWHERE, *REFUSED])
async def test_every_answer_is_locked_down(what: str) -> None:
    async with served() as port:
        headers = (await asked(port, what)).headers
    assert DEFAULTS.items() <= headers.items()
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("what", [*EVERYWHERE, *REFUSED])
@pytest.mark.parametrize("authorization", [RIGHT, WRONG])
async def test_headers_of_the_operator_are_on_every_answer_and_come_first(guard: Guard, what: str, authorization: str) -> None:
    async with served(guard) as port:
        headers = (await asked(port, what, authorization)).headers
    chosen = {
        "Content-Security-Policy": "default-src 'self'",
        "X-Frame-Options": "sameorigin",
        "Strict-Transport-Security": "max-age=60",
    }
    assert (DEFAULTS | chosen).items() <= headers.items()


@pytest.mark.parametrize(
    "what, body",
    [
        ("/nowhere", b"404: Not Found\n"),
        ("/-/reload", b"405: Method Not Allowed\n"),
        *zip(REFUSED, (b"400: Bad Request\n", b"400: Bad Request\n", b"417: Expectation Failed\n"), strict=True),
    ],
)
async def test_what_aiohttp_answers_by_itself_is_one_line(what: str, body: bytes) -> None:
    async with served() as port:
        assert (await asked(port, what)).body == body


async def test_an_answer_to_what_nobody_foresaw_is_one_line_and_locked_down() -> None:
    async def broken(_request: web.Request) -> web.Response:
        raise ZeroDivisionError

    app = web.Application()
    app.router.add_get("/metrics", broken)
    async with served(app=app) as port:
        got = await ask(port)
    assert (got.status, got.body) == (500, b"500: Internal Server Error\n")
    assert DEFAULTS.items() <= got.headers.items()
