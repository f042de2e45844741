"""The questions of the report as plain SQL, one file each: what a user of another exporter would write.

The text columns of a question are labels, its numbers are metrics under the exporter's own names. Where a metric has the label
``token_type``, it stands behind two underscores, for a question has one set of labels: ``resource_tokens__input``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

FOLDER: Final = Path(__file__).parent / "questions"
AGGREGATION: Final = Path(__file__).with_name("aggregation.sql")
DAY: Final = Path(__file__).with_name("day.sql")
TEXT: Final = 25
Series = tuple[str, frozenset[tuple[str, str]]]
"""A metric and its labels."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, with the columns that its SQL has."""

    name: str
    sql: str
    labels: tuple[str, ...]
    values: tuple[str, ...]


def questions(connection: psycopg.Connection) -> list[Question]:
    """All questions. PostgreSQL, which knows the tables, says which columns they have."""
    return [question(connection, path.stem, path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.sql"))]


def question(connection: psycopg.Connection, name: str, query: str) -> Question:
    """A question with its columns; it is planned but not run."""
    columns = connection.execute(f"SELECT * FROM ({query}) AS question WHERE false".encode()).description or ()
    labels = tuple(column.name for column in columns if column.type_code == TEXT)
    values = tuple(column.name for column in columns if column.type_code != TEXT)
    return Question(name, query, labels, values)


def answers(connection: psycopg.Connection, asked: Question) -> Iterator[tuple[Series, float]]:
    """The samples that a question gives; NULL gives none."""
    cursor = connection.execute(asked.sql.encode())
    names = [column.name for column in cursor.description or ()]
    for row in cursor:
        fields = dict(zip(names, row, strict=True))
        labels = [(label, str(fields[label])) for label in asked.labels]
        for value in asked.values:
            metric, _, token_type = value.partition("__")
            extra = [("token_type", token_type)] if token_type else []
            if fields[value] is not None:
                yield (metric, frozenset(labels + extra)), float(fields[value])
