"""What a query must not do, and the GRANTs that are advised for it: not one column more than it reads."""

from pathlib import Path

import psycopg
import pytest

from tests.sources.test_queries import MIXED, PLAIN, ledger, look, refusal

BARE = PLAIN.partition(" --")[0]
SELECT = 'SELECT request_id, spend FROM "LiteLLM_SpendLogs"'
SPEND = 'GRANT SELECT (spend) ON "LiteLLM_SpendLogs" TO {role}'
VOLATILE = """
CREATE FUNCTION "rndCost"(x numeric) RETURNS numeric LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN x; END';
CREATE SCHEMA elsewhere;
CREATE FUNCTION elsewhere.lower(x int) RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN x; END';
"""


@pytest.mark.parametrize(
    "query, granted",
    [
        (f"-- never select prompt\n{SELECT}", SPEND),
        (f"{SELECT} WHERE request_id <> 'prompt' /* prompt */", SPEND),
        ('SELECT request_id AS prompt, spend FROM "LiteLLM_SpendLogs"', SPEND),
        (
            'SELECT log.spend FROM "LiteLLM_SpendLogs" AS log JOIN other ON other.request_id = log.request_id',
            f"{SPEND}; GRANT SELECT (request_id) ON other TO {{role}}",
        ),
        (
            'SELECT o.spend FROM "LiteLLM_SpendLogs" log, (other AS o CROSS JOIN quests)',
            "GRANT SELECT (spend) ON other TO {role}",
        ),
        ("SELECT nothing FROM hidden.away", "GRANT USAGE ON SCHEMA hidden TO {role}"),
        ("SELECT pg_read_file('/etc/passwd')", "let the query be one SELECT that only reads"),
    ],
    ids=["comment", "text", "alias", "join", "list", "schema", "function"],
)
async def test_no_grant_is_advised_for_what_is_not_read(database: str, tmp_path: Path, query: str, granted: str) -> None:
    role = f"careful_{abs(hash(database))}"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(MIXED.replace("reader", role).encode())
        connection.execute("CREATE TABLE other (request_id text, spend float8)")
        connection.execute("CREATE SCHEMA hidden; CREATE TABLE hidden.away (nothing int)")
    try:
        advice = (await refusal(database, ledger(database, tmp_path, query), role)).partition("; fix: ")[2]
        assert advice.startswith(granted.format(role=role))
        assert "prompt" not in advice
    finally:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


@pytest.mark.parametrize(
    "term, refused",
    [
        ('"rndCost"(cost_usd)', "calls rndCost(), which changes by itself"),
        ("elsewhere.lower(1)", "calls lower(), which changes by itself"),
        ("lower(provider)", None),
        ("(created_at > 'today'::date)", "depends on the time, by 'today'::date"),
        ("(created_at > timestamptz 'now')", "depends on the time, by timestamptz 'now'"),
        ("'today'", None),
    ],
)
async def test_what_changes_is_known_by_its_schema(database: str, tmp_path: Path, term: str, refused: str | None) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(VOLATILE.encode())
    asked = ledger(database, tmp_path, BARE.replace("upper(quest_id) AS team", f"{term} AS team"))
    if refused:
        assert refused in await refusal(database, asked)
    else:
        await look(database, asked)


async def test_a_limit_is_refused_where_rows_fall_out(database: str, tmp_path: Path) -> None:
    assert "ends in LIMIT" in await refusal(database, ledger(database, tmp_path, f"{BARE} ORDER BY id LIMIT 10"))
    inside = PLAIN.replace("upper(quest_id)", "(SELECT name FROM quests ORDER BY id LIMIT 1)")
    await look(database, ledger(database, tmp_path, inside))


async def test_a_parameter_is_refused(database: str, tmp_path: Path) -> None:
    assert "ledgers.costs.query is refused" in await refusal(database, ledger(database, tmp_path, f"{BARE} WHERE id > $1"))


async def test_a_query_with_with_is_advised_to_do_without(database: str, tmp_path: Path) -> None:
    found = (await look(database, ledger(database, tmp_path, f"WITH calls AS ({BARE}) TABLE calls")))[1]
    assert [text for text in found if text.endswith("; write the query without WITH")] == found
    assert found


async def test_ids_that_repeat_are_told(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO cost_ledger (created_at, provider, cost_usd)"
            " SELECT '2026-05-14 15:10Z', 'p', 1 FROM generate_series(1, 3)"
        )
    found = (await look(database, ledger(database, tmp_path, PLAIN.replace("id AS entry_id", "1 AS entry_id"))))[1]
    assert [text for text in found if "2 entries have the id of another one, and 0 have no id" in text]
    found = (await look(database, ledger(database, tmp_path, PLAIN)))[1]
    assert [text for text in found if "have the id of another" in text] == []
