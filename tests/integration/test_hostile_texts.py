"""Any text that PostgreSQL accepts is read and shown unchanged, and no sum is affected."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.conftest import SCHEMA
from tests.integration.books import read
from tests.integration.conftest import empty
from tests.integration.model import report
from tests.integration.page import Labels
from tests.integration.rules import Settings
from tests.integration.running import Clock, configure, differences, running
from tests.integration.strategies import FEW, Ledgers, Rows
from tests.integration.texts import ODD

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
AT = datetime(2026, 5, 14, 10, tzinfo=UTC)
TEXT = psycopg.adapters.types["text"].oid
TEXTS = st.sampled_from(ODD) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=90
)
MAYBE = TEXTS | st.none()
LOOSE = "ALTER TABLE quests DROP CONSTRAINT quests_pkey CASCADE, ALTER name DROP NOT NULL, ALTER layer DROP NOT NULL"


def rows(**columns: st.SearchStrategy[Any]) -> st.SearchStrategy[Rows]:
    return st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=8)


HOSTILE = st.builds(
    Ledgers,
    quests=rows(id=TEXTS, name=MAYBE, layer=MAYBE).map(lambda found: list({row["id"]: row for row in found}.values())),
    quest_budget_allocations=rows(quest_id=MAYBE, day=st.just(AT.date()), allocated_usd=st.integers(0, 9)),
    cost_ledger=rows(
        created_at=st.just(AT), task_id=MAYBE, quest_id=MAYBE, provider=MAYBE, model=MAYBE, cost_usd=st.integers(-9, 9)
    ),
    impact_ledger=rows(
        created_at=st.just(AT), updated_at=st.just(AT), task_id=TEXTS, quest_id=MAYBE, layer=MAYBE, task_title=MAYBE,
        total_tokens=st.integers(900, 1100), cost_usd=st.integers(0, 9), impact_score=st.integers(0, 2),
    ),
)  # fmt: skip


@pytest.mark.slow
@settings(FEW, max_examples=5)
@given(books=HOSTILE)
async def test_any_text_in_any_column_is_read_and_shown(ledger_database: str, books: Ledgers) -> None:
    with psycopg.connect(ledger_database) as connection:
        connection.execute(LOOSE.replace("DROP CONSTRAINT", "DROP CONSTRAINT IF EXISTS"))
    empty(ledger_database)
    books.write(ledger_database)
    with TemporaryDirectory() as directory:
        async with running(configure(ledger_database, Path(directory, "rollups")), Clock(NOW)) as exporter:
            await exporter.refresh(2)
            assert differences(exporter.samples(), report(read(ledger_database), Settings(), NOW)) == []


@contextmanager
def encoded(postgres: str, encoding: str) -> Iterator[str]:
    """The connection string of a database with another encoding, with the empty tables of the scidex profile."""
    name = f"resource_exporter_{uuid4().hex}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(create.format(sql.Identifier(name), encoding))
    try:
        conninfo = make_conninfo(postgres, dbname=name)
        with psycopg.connect(conninfo) as connection:
            connection.execute(SCHEMA.read_bytes())
        yield conninfo
    finally:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


ENCODINGS = {
    "LATIN1": {b"caf\xe9": "café", b"\x80\xff": "ÿ"},  # 80 is a control character there
    "EUC_JP": {b"\xb4\xc1": "漢"},
    "SQL_ASCII": {
        "naïve".encode(): "naïve",
        b"caf\xe9": r"caf\xe9",
        b'\xff\xc3,"\xf0\x9f': r'\xff\xc3,"\xf0\x9f',
        b"\xed\xa0\x80": r"\xed\xa0\x80",  # half of a character, which UTF-8 does not have
    },
}


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_texts_of_other_encodings(postgres: str, tmp_path: Path, encoding: str) -> None:
    call = b"INSERT INTO cost_ledger (created_at, provider, model, quest_id, cost_usd) VALUES ('2026-05-14', $1, $1, $1, 1)"
    with encoded(postgres, encoding) as conninfo:
        with psycopg.connect(conninfo, client_encoding=encoding, autocommit=True) as connection:
            for stored in ENCODINGS[encoding]:
                for statement in (call, b"INSERT INTO quests VALUES ($1, $1, $1)"):
                    assert connection.pgconn.exec_params(statement, [stored], [TEXT]).error_message == b""
        async with running(configure(conninfo, tmp_path / "rollups"), Clock(NOW)) as exporter:
            assert await exporter.last_errors() == {}
            found = exporter.samples()["resource_spend_usd"]
    shown = [{value for name, value in labels if name != "quest_id"} for labels in found]
    assert sorted(map(list, shown)) == sorted([text] for text in ENCODINGS[encoding].values())


TWIN = "x" * 200
SHORTENED = f"{TWIN[:119]}~{md5(TWIN.encode()).hexdigest()[:8]}"


async def test_an_id_equal_to_a_shortened_one_doubles_no_sum(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        for quest, name in ((TWIN, "B"), (SHORTENED, "A")):
            connection.execute("INSERT INTO quests VALUES (%s, %s, 'Forge')", [quest, name])
            connection.execute("INSERT INTO quest_budget_allocations VALUES (%s, '2026-05-14', 10)", [quest])
            connection.execute(
                "INSERT INTO cost_ledger (created_at, quest_id, provider, cost_usd) VALUES ('2026-05-14 10:00Z', %s, 'p', 1)",
                [quest],
            )
    async with running(configure(database, tmp_path / "rollups"), Clock(NOW)) as exporter:
        await exporter.refresh(2)
        served = exporter.samples()
    labels: Labels = frozenset({("quest_id", SHORTENED), ("quest", "A"), ("layer", "Forge")})
    assert served["resource_quest_allocation_usd"] == {labels: 20}
    assert list(served["resource_spend_usd"].values()) == [2]


LONG = "Compare the mechanisms of neurodegeneration that the agents of this quest proposed " + "x" * 20
"""A name of which only the beginning is shown."""


async def test_names_with_the_same_beginning_stay_apart(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        for number in (1, 2):
            name, task = f"{LONG}{number}", f"t{number}"
            connection.execute("INSERT INTO quests VALUES (%s, %s, %s)", [f"q{number}", name, name])
            call = (
                "INSERT INTO cost_ledger (created_at, task_id, provider, model, cost_usd) VALUES ('2026-05-14', %s, %s, %s, 1)"
            )
            connection.execute(call, [task, name, "m"])
            connection.execute(call, [task, "p", name])
            connection.execute(
                "INSERT INTO impact_ledger (created_at, updated_at, task_id, layer, task_title, total_tokens, cost_usd)"
                " VALUES ('2026-05-14', now(), %s, %s, %s, 5000, 1)",
                [task, name, name],
            )
    async with running(configure(database, tmp_path / "rollups"), Clock(NOW)) as exporter:
        await exporter.refresh(2)
        served = exporter.samples()
    assert differences(served, report(read(database), Settings(), NOW)) == []
    for metric, label, others in (
        ("resource_quest_spend_usd", "quest", {"unassigned"}),
        ("resource_quest_spend_usd", "layer", {"unknown"}),
        ("resource_wasted_task_tokens", "task", set()),
        ("resource_spend_usd", "provider", {"p"}),
        ("resource_spend_usd", "model", {"m"}),
    ):
        shown = {dict(labels)[label] for labels in served[metric]} - others
        assert len(shown) == 2, label
        assert all((len(name), name[:70], name[-1]) == (80, LONG[:70], "…") for name in shown)


@pytest.mark.parametrize("column", ["provider", "model"])
async def test_no_family_matches_the_digest_of_a_name_that_is_cut(database: str, tmp_path: Path, column: str) -> None:
    digest = md5(LONG.encode()).hexdigest()[:8]
    call = sql.SQL("INSERT INTO cost_ledger (created_at, {}, cost_usd) VALUES ('2026-05-14', %s, 1)")
    with psycopg.connect(database) as connection:
        connection.execute(call.format(sql.Identifier(column)), [LONG])
    families = {"Digest": [digest], "Ellipsis": ["…"], "Beginning": ["^compare the mechanisms"]}
    async with running(configure(database, tmp_path / "rollups", providers=families), Clock(NOW)) as exporter:
        await exporter.refresh()
        found = {dict(labels)["provider"] for labels in exporter.samples()["resource_spend_usd"]}
    assert found == {"Beginning"}


async def test_no_regular_expression_takes_exponential_time(database: str, tmp_path: Path) -> None:
    """A backtracking engine would take exponential time for each of these; RE2 does not."""
    endless = {"Endless": ["^(a+)+$", "^(a|aa)+$", "(.*a){25}y", "(x+x+)+y", "((a{0,30}){0,30})y"]}
    providers = {"a" * 79 + "!", "x" * 80}
    with psycopg.connect(database) as connection:
        for provider in providers:
            call = "INSERT INTO cost_ledger (created_at, provider, cost_usd) VALUES ('2026-05-14', %s, 1)"
            connection.execute(call, [provider])
    async with running(configure(database, tmp_path / "rollups", providers=endless), Clock(NOW)) as exporter:
        await exporter.refresh()
        found = {dict(labels)["provider"] for labels in exporter.samples()["resource_spend_usd"]}
    assert found == providers
