"""Which transactions were still running when a snapshot was taken."""

from dataclasses import dataclass

from psycopg import sql

from exporter.sources.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Horizon:
    """Which transactions a snapshot still saw running: all below ``oldest`` had ended, none from ``next`` on had begun.

    ``complete`` is False where there may be others: on a standby, or where rows are written elsewhere.
    """

    oldest: int
    next: int
    complete: bool = True


# A snapshot knows of transactions only up to the newest that has ended. Those that began later hold a lock on their own id,
# which is told without its epoch: how far it lies ahead is counted modulo 2^32.
_HORIZON = sql.SQL("""
SELECT oldest, ended + coalesce(max(ahead) FILTER (WHERE ahead < 2147483648) + 1, 0), NOT pg_is_in_recovery()
  FROM (SELECT pg_snapshot_xmin(s)::text::bigint AS oldest, pg_snapshot_xmax(s)::text::bigint AS ended
          FROM pg_current_snapshot() AS s) AS snapshot
  LEFT JOIN LATERAL (SELECT (transactionid::text::bigint - ended) & 4294967295 AS ahead
                       FROM pg_locks WHERE locktype = 'transactionid') AS running ON TRUE
 GROUP BY oldest, ended
""")


async def horizon(transaction: Transaction) -> Horizon:
    """What the transaction's snapshot says of other transactions."""
    return Horizon(*(await transaction.rows(_HORIZON))[0])
