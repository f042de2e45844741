"""The HTML page of a ledger full of markup has the same structure as that of a harmless one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import psycopg
from aiohttp.test_utils import TestClient, TestServer

from exporter.palette import QUESTS, text_on
from exporter.web.access import Guard
from exporter.web.app import build_app
from exporter.web.page.page import PageContext
from tests.integration.conftest import empty
from tests.integration.running import Clock, configure, running

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
MARKUP = (
    *(
        "</td><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<!-- ",
        "-->",
        "<![CDATA[ ]]>",
        "</table></body></html>",
    ),
    *(
        "<?php ?>",
        '" onload="x',
        "' onload='x",
        "`onload=x`",
        "&lt;b&gt;",
        "&#60;b&#62;",
        "<style>*{}</style>",
        "{{ 7*7 }}{% x %}",
    ),
    "<a href=javascript:alert(1)>",
)
HARMLESS = tuple(f"text {number:02}" for number in range(len(MARKUP)))
COLORS = {*QUESTS.values(), *map(text_on, QUESTS.values())}
ROWS = """
INSERT INTO quests VALUES (%(text)s, %(text)s, %(text)s);
INSERT INTO quest_budget_allocations VALUES (%(text)s, '2026-05-14', %(amount)s);
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, cost_usd)
VALUES ('2026-05-14 10:00Z', %(text)s, %(text)s, %(text)s, %(text)s, %(amount)s);
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, task_title, total_tokens, cost_usd, impact_score)
VALUES ('2026-05-14 10:00Z', now(), %(text)s, %(text)s, %(text)s, %(text)s, 5000 + %(amount)s, %(amount)s, 0.5);
"""


class Outline(HTMLParser):
    """The tags and attributes of a page in order; of a title, which holds an id, and of a quest's colour only the name."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[object] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append((tag, [(name, None if name == "title" or value in COLORS else value) for name, value in attrs]))
        self.texts += [value.strip() for name, value in attrs if name == "title" and value]

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    def handle_comment(self, data: str) -> None:
        self.parts.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.parts.append(f"declaration {decl}")

    def unknown_decl(self, data: str) -> None:
        self.parts.append(f"unknown {data}")

    def handle_pi(self, data: str) -> None:
        self.parts.append(f"instruction {data}")


async def page(conninfo: str, state: Path, texts: Sequence[str]) -> tuple[Outline, dict[str, str]]:
    """The outline and the headers of the page of a ledger with these texts."""
    empty(conninfo)
    with psycopg.connect(conninfo, cursor_factory=psycopg.ClientCursor) as connection:
        for amount, each in enumerate(texts, 1):
            connection.execute(ROWS, {"text": each, "amount": amount})
    async with running(configure(conninfo, state), Clock(NOW)) as exporter:
        await exporter.refresh()
        application = build_app(exporter._publisher, PageContext("1.2.3", "/metrics"), Guard())
        async with TestClient(TestServer(application)) as client, client.get("/") as reply:
            return Outline(await reply.text()), dict(reply.headers)


async def test_text_from_a_ledger_is_never_markup(ledger_database: str, tmp_path: Path) -> None:
    hostile, headers = await page(ledger_database, tmp_path / "hostile", MARKUP)
    harmless, expected = await page(ledger_database, tmp_path / "harmless", HARMLESS)
    assert hostile.parts == harmless.parts
    shown = dict(zip(HARMLESS, (text.strip() for text in MARKUP), strict=True))
    assert hostile.texts == [shown.get(text, text) for text in harmless.texts]
    assert all(hostile.texts.count(text) > 5 for text in shown.values())
    assert headers["Content-Security-Policy"] == expected["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
