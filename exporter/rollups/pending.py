"""The entries above the low watermark, one row each, so that each is counted once."""

from duckdb import DuckDBPyConnection

_FORGET = "DELETE FROM pending WHERE ledger = $ledger AND key IN (SELECT key FROM staged)"
_REMEMBER = """
INSERT INTO pending
SELECT $ledger, key, day, minute FROM entries WHERE key > $low
UNION ALL SELECT $ledger, key, NULL, NULL FROM staged ANTI JOIN entries USING (key) WHERE key > $low
"""


def forget(connection: DuckDBPyConnection, ledger: str, table: str) -> None:
    """Forget the entries in the ranges in a temporary table."""
    connection.execute(
        f"DELETE FROM pending AS t USING {table} AS k WHERE ledger = $ledger AND (t.day, t.minute) = (k.day, k.minute)",
        {"ledger": ledger},
    )


def remember(connection: DuckDBPyConnection, ledger: str, low: int) -> None:
    """Remember each staged entry whose id is above the low watermark."""
    connection.execute(_FORGET, {"ledger": ledger})
    connection.execute(_REMEMBER, {"ledger": ledger, "low": low})


def pass_up_to(connection: DuckDBPyConnection, ledger: str, low: int) -> None:
    """Forget the entries that the low watermark has passed."""
    connection.execute("DELETE FROM pending WHERE ledger = ? AND key <= ?", [ledger, low])
