"""Names in advice are written as SQL wants them, so that the advice can be pasted."""

import psycopg

from exporter.sources.findings import quoted


def test_a_name_is_quoted_where_sql_needs_it() -> None:
    assert quoted(("public", "cost_ledger")) == "public.cost_ledger"
    assert quoted(("Mixed", 'a "b" c.d', "naïve", "1st")) == '"Mixed"."a ""b"" c.d"."naïve"."1st"'


def test_every_reserved_word_of_postgresql_is_quoted(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        words = connection.execute("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')").fetchall()
    assert len(words) > 90
    assert [word for (word,) in words if quoted((word,)) != f'"{word}"'] == []
