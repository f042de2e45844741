"""How names are cleaned and cut."""

import unicodedata
from collections.abc import Iterator
from hashlib import md5

import duckdb
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.rollups import numbers

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
ENDS = st.sampled_from(["", "\n", "\x85", "\x7f" * 20, "a", "b", "…", "~0123abcd…"])
TEXTS = st.text(CHARACTERS, max_size=90) | st.builds(str.__add__, st.text(CHARACTERS, min_size=60, max_size=90), ENDS)


@pytest.fixture(scope="module")
def connection() -> Iterator[DuckDBPyConnection]:
    with duckdb.connect() as connection:
        numbers.define(connection)
        yield connection


def _cleaned(connection: DuckDBPyConnection, *texts: str | None) -> list[str]:
    return [name for (name,) in connection.execute("SELECT clean(unnest($1::VARCHAR[]))", [list(texts)]).fetchall()]


@example(text="é" * 80)
@example(text="é" * 81)
@example(text="x" * 80 + "\n")
@example(text="\n" * 100)
@given(text=TEXTS)
def test_a_long_name_is_cut_and_ends_in_a_digest_and_an_ellipsis(connection: DuckDBPyConnection, text: str) -> None:
    name = "".join(each for each in text if unicodedata.category(each) != "Cc")
    wanted = name if len(name) <= 80 else f"{name[:70]}~{md5(name.encode()).hexdigest()[:8]}…"
    assert _cleaned(connection, text, wanted) == [wanted, wanted]
    assert len(wanted) <= 80


@given(beginning=st.text(CHARACTERS, min_size=80, max_size=100), ends=st.lists(st.text("abc…~", max_size=5), unique=True))
def test_names_with_the_same_beginning_stay_apart(connection: DuckDBPyConnection, beginning: str, ends: list[str]) -> None:
    assert len(set(_cleaned(connection, *(beginning + end for end in ends)))) == len(ends)


def test_an_unknown_name_is_empty(connection: DuckDBPyConnection) -> None:
    assert _cleaned(connection, None, "", "\n") == ["", "", ""]
