"""The relations of a database that have a certain name, wherever they are and however it is spelled."""

from dataclasses import dataclass

from psycopg import sql

from exporter.sources.findings import quoted
from exporter.sources.transaction import Transaction

_NAMED = sql.SQL("""
SELECT n.nspname, c.relname, pg_table_is_visible(c.oid), has_schema_privilege(n.oid, 'USAGE'), current_user
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND lower(c.relname) = lower(%(name)s) ORDER BY 1, 2
""")


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation: whether the search path finds it, and whether the role may use its schema."""

    schema: str
    name: str
    visible: bool
    usable: bool
    role: str

    @property
    def written(self) -> str:
        """As a query must write it: with its schema only where it needs one."""
        return quoted((self.name,) if self.visible else (self.schema, self.name))

    @property
    def grant(self) -> str:
        """What lets the role use its schema."""
        return usage(self.schema, self.role)


def usage(schema: str, role: str) -> str:
    """The GRANT that lets a role use a schema."""
    return f"GRANT USAGE ON SCHEMA {quoted((schema,))} TO {quoted((role,))}"


async def named(transaction: Transaction, name: str) -> list[Relation]:
    """The relations of this name in any case, by schema; those that the search path finds come first."""
    found = [Relation(*row) for row in await transaction.rows(_NAMED, name=name)]
    return sorted(found, key=lambda each: (not each.visible, each.name != name))
