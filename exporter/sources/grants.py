"""The GRANTs that a role lacks to read what a query names, column by column, and no column more."""

import re
from collections import defaultdict
from collections.abc import Iterator

from psycopg import sql

from exporter.sources.findings import quoted
from exporter.sources.relations import usage
from exporter.sources.transaction import Transaction
from exporter.sources.transfer import Row

_NAME = r'"(?:[^"]|"")+"|[A-Za-z_][\w$]*'
_NO_NAMES = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$", re.DOTALL)
"""Comments and texts, in which a word is no name."""
_RELATION = re.compile(
    r"(?:\b(?:FROM|JOIN|TABLE)\s|,)"
    rf"(?=[\s(]*(?:ONLY\s+)?(?:({_NAME})\s*\.\s*)?({_NAME})(?:\s+(?:AS\s+)?({_NAME}))?)",
    re.IGNORECASE,
)
"""Where a relation may be named, with its schema and alias; what else is found there names no relation of the catalog."""
_GIVEN = re.compile(rf"\bAS\s+(?:{_NAME})", re.IGNORECASE)
_COLUMN = re.compile(rf"(?:({_NAME})\s*\.\s*)?({_NAME})")
_HIDDEN = sql.SQL("""
SELECT current_user, n.nspname, c.relname, pg_table_is_visible(c.oid), has_schema_privilege(n.oid, 'USAGE'), a.attname::text
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = ANY(%(relations)s) AND a.attname = ANY(%(columns)s)
   AND (pg_table_is_visible(c.oid) OR n.nspname = ANY(%(schemas)s))
   AND a.attnum > 0 AND NOT a.attisdropped AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')
 ORDER BY 2, 3, a.attnum
""")


async def missing(transaction: Transaction, query: str) -> str | None:
    """The GRANTs, in one line; None where the role may read all that is named."""
    text = _NO_NAMES.sub("''", query)
    named = [tuple(map(_plain, found)) for found in _RELATION.findall(text)]
    known: dict[str, set[str]] = defaultdict(set)
    for _, relation, alias in named:
        known[relation] |= {relation, alias}
    used = {(_plain(qualifier), _plain(name)) for qualifier, name in _COLUMN.findall(_GIVEN.sub("", text))}
    asked = {
        "relations": [*known],
        "columns": [name for _, name in used],
        "schemas": [schema for schema, *_ in named if schema],
    }
    hidden: dict[Row, list[str]] = defaultdict(list)
    for row in await transaction.rows(_HIDDEN, **asked):
        if any(name == row[-1] and (not of or of in known[row[2]]) for of, name in used):
            hidden[row[:-1]].append(row[-1])
    return "; ".join(grant for key, columns in hidden.items() for grant in _grants(key, columns)) or None


def _grants(relation: Row, columns: list[str]) -> Iterator[str]:
    role, schema, name, visible, usable = relation
    if not usable:
        yield usage(schema, role)
    listed = ", ".join(quoted((column,)) for column in columns)
    yield f"GRANT SELECT ({listed}) ON {quoted((name,) if visible else (schema, name))} TO {quoted((role,))}"


def _plain(name: str) -> str:
    """A name as the catalog has it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
