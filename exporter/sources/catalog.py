"""What PostgreSQL says of a ledger's table or query: its identity, columns, types, rights and indexes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from exporter.config import Ledger
from exporter.sources import queries
from exporter.sources.below import BELOW, CITUS, PLACE
from exporter.sources.findings import Finding, LedgerError, quoted
from exporter.sources.relations import Relation, named
from exporter.sources.transaction import Transaction

_COLUMNS = sql.SQL("""
SELECT current_user, cluster.system_identifier || '/' || base.oid || '/' || a.attrelid, c.relkind::text,
       row_security_active(a.attrelid), c.relkind = 'v' OR c.relhassubclass, c.relkind = 'f' OR c.relhastriggers AND {citus},
       a.attrelid::bigint, a.attname,
       format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL),
       has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
       EXISTS (SELECT FROM pg_index i
                WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL),
       a.attcollation IN (100, 950) AND coalesce(nullif(t.typbasetype, 0), t.oid) IN (25, 1043)
  FROM pg_control_system() AS cluster, (SELECT oid FROM pg_database WHERE datname = current_database()) AS base,
       pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid JOIN pg_class AS c ON c.oid = a.attrelid
 WHERE a.attrelid = to_regclass(%(table)s) AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
""").format(citus=CITUS.format(table=sql.SQL("to_regclass(%(table)s)")))


_ANY = sql.SQL("SELECT 1 FROM {} LIMIT 1")
_PLACE = sql.SQL(r"""
WITH RECURSIVE roots (oid) AS (SELECT to_regclass(%(table)s)::oid), {below}, {place}
SELECT remote, partitions, ARRAY(SELECT oid::bigint FROM below WHERE parent = 0 AND kind <> 'v'),
       EXISTS (SELECT FROM below WHERE kind = 'v' AND pg_get_viewdef(oid) ~* '\mUNION\M')
  FROM place
""").format(below=BELOW, place=PLACE)
# The catalog as the snapshot sees it, beside what is there now.
_REWRITTEN = sql.SQL("""
WITH RECURSIVE roots (oid) AS (SELECT to_regclass(%(table)s)::oid), {below}
SELECT count(*) FROM below WHERE file <> pg_relation_filenode(oid)
""").format(below=BELOW)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the source: its base type as ``format_type`` names it, whether it may be read and leads an index.

    ``bytewise`` is whether it is a text of which equal values have equal bytes.
    """

    type: str
    readable: bool
    indexed: bool
    bytewise: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A ledger's table, or what a query in its place reads.

    ``identity`` differs for a table of the same name in another cluster or database, or made again.
    """

    identity: str
    role: str
    kind: str
    """As ``pg_class.relkind`` has it: r for a table, p for a partitioned one, m for a materialized view, v for a view.

    A query has ``q``.
    """
    filtered: bool
    """Whether row level security hides rows from the role."""
    columns: Mapping[str, Column]
    remote: bool = False
    """Whether rows are on another server, by a foreign table or Citus."""
    partitions: str = ""
    """A checksum of which partitions there are; empty where there are none."""
    roots: tuple[int, ...] = ()
    """The oids of the tables that are read; partitions are below them."""
    union: bool = False
    """Whether the query, or a view, is a UNION."""

    @property
    def numbers_grow(self) -> bool:
        """Whether an id below the greatest can only come from a transaction that is running on this server.

        Not where other servers write, and not where there may be several sequences: those of the tables of a UNION.
        """
        return not self.remote and not self.union


async def inspect(transaction: Transaction, ledger: Ledger) -> Table:
    """Look the ledger's table up in the catalog, or have its query planned.

    Raises:
        LedgerError: there is no such table, or PostgreSQL refuses the query.
        psycopg.errors.InsufficientPrivilege: the role may not use its schema.
    """
    if ledger.query:
        identity, role, filtered, place, found = await queries.inspect(transaction, ledger)
        return Table(identity, role, "q", filtered, {name: Column(kind, True, False) for name, kind in found}, *place)  # noqa: FBT003
    rows = await transaction.rows(_COLUMNS, table=_name(ledger))
    if not rows:
        raise LedgerError(_missing(ledger, await named(transaction, ledger.table[-1])))
    role, identity, kind, filtered, has_more, remote, root = rows[0][:7]
    columns = {name: Column(*told) for name, *told in (row[7:] for row in rows)}
    facts: tuple[Any, ...] = (remote, "", [root], False)
    if has_more:
        (facts,) = await transaction.rows(_PLACE, table=_name(ledger))
    remote, partitions, roots, union = facts
    return Table(identity, role, kind, filtered, columns, remote, partitions, tuple(roots), union)


async def hold(transaction: Transaction, ledger: Ledger) -> None:
    """Keep the ledger's tables from being rewritten until the transaction ends, as some forms of ALTER TABLE do.

    Raises:
        LedgerError: one was, since the transaction took its snapshot; to that, the table looks empty.
    """
    if ledger.query:
        await queries.inspect(transaction, ledger)
        return
    table = sql.Identifier(*(part.replace("%", "%%") for part in ledger.table))  # psycopg takes %% for %
    if await transaction.rows(_ANY.format(table)):
        return
    if (await transaction.rows(_REWRITTEN, table=_name(ledger)))[0][0]:
        raise LedgerError(Finding(f"table {quoted(ledger.table)} was rewritten a moment ago", "the next refresh will read it"))


def _name(ledger: Ledger) -> str:
    return ".".join(quoted((part,)) for part in ledger.table)


def _missing(ledger: Ledger, found: list[Relation]) -> Finding:
    """Tables of the name may be in a schema that the role does not see, or may not use, or need quotes."""
    text = f"table {quoted(ledger.table)} does not exist in database {ledger.database}"
    elsewhere = sorted(
        (each for each in found if each.name == ledger.table[-1]), key=lambda each: (not each.usable, each.schema)
    )
    if found and not elsewhere:
        return Finding(text, f"set ledgers.{ledger.name}.table: '{found[0].written}', with the double quotes")
    if not elsewhere:
        return Finding(text, f"set ledgers.{ledger.name}.table to the table that holds this ledger")
    there = quoted((elsewhere[0].schema, elsewhere[0].name))
    if elsewhere[0].usable:
        return Finding(f"{text} on the search path", f"set ledgers.{ledger.name}.table: {there}")
    return Finding(f"table {there} is in a schema that role {elsewhere[0].role} may not use", elsewhere[0].grant)
