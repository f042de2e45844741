"""The statements that read a ledger. Each aggregates on the server, over half-open ranges of time that an index can serve.

Parameters: ``start`` and ``end`` bound the rows, ``midnight`` is where buckets of time are counted from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import LiteralString

from psycopg import sql

from exporter.calendar import HOUR
from exporter.ledgers.mapping import Source, bounded

EARLIEST = date(2, 1, 2)
"""Times before this have no day in every time zone; such rows are rejected like those without a time."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a ledger of timed entries is summed up: the columns that keep entries apart, and what is summed of the others.

    ``ids`` and ``texts`` are the columns to group by, ``numbers`` those to sum. ``sums`` are the columns of the result.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    sums: Mapping[str, LiteralString]
    required: str | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """All columns to group by."""
        return self.ids + self.texts


COSTS = Shape(
    ids=("task_id", "quest_id"),
    texts=("provider", "model"),
    numbers=("cost_usd", "input_tokens", "output_tokens"),
    sums={
        "calls": "count(*)",
        "unpriced": "count(*) - count(cost_usd)",
        "usd": "coalesce(sum(cost_usd), 0)",
        "positive_usd": "coalesce(sum(cost_usd) FILTER (WHERE cost_usd > 0), 0)",
        "input_tokens": "round(coalesce(sum(input_tokens), 0))",
        "output_tokens": "round(coalesce(sum(output_tokens), 0))",
    },
)

IMPACTS = Shape(
    ids=("task_id", "quest_id"),
    texts=("layer", "task"),
    numbers=("cost_usd", "total_tokens", "impact_score"),
    sums={
        "judged": "count(*)",
        "usd": "coalesce(sum(cost_usd), 0)",
        "tokens": "round(coalesce(sum(total_tokens), 0))",
        "impact": "sum(impact_score)",
        "stamp": "max(stamp)",
    },
    required="task_id",
)

SHAPES = {"costs": COSTS, "impacts": IMPACTS}


def aggregate(source: Source, bucket: timedelta = HOUR) -> sql.Composed:
    """``bucket, flaw, *ids, *texts, *sums, entries, low, high, newest, fingerprint``, a row per bucket of time and group.

    Buckets are counted from midnight, the first is 0. ``flaw`` says why entries were rejected, and then nothing else of them
    is told. ``low`` and ``high`` bound their running numbers. The fingerprint does not depend on the order of the entries:
    any change changes it.
    """
    shape = SHAPES[source.ledger.name]
    return sql.SQL("""
SELECT (extract(epoch FROM bucket - %(midnight)s) / {seconds})::int, flaw, {ids}, {texts}, {sums},
       entries, low, high, newest, fingerprint
  FROM (SELECT bucket, flaw, {groups}, {aggregates},
               count(*) AS entries, min(entry) AS low, max(entry) AS high,
               max(at) AT TIME ZONE 'UTC' AS newest, sum(fingerprint) AS fingerprint
          FROM ({entries}) AS entries GROUP BY bucket, flaw, {groups}) AS sums
""").format(
        seconds=bucket.total_seconds(),
        ids=_list(bounded(column) for column in shape.ids),
        texts=_list(sql.SQL("left({}, 4096)").format(sql.Identifier(column)) for column in shape.texts),
        sums=_list(map(sql.Identifier, shape.sums)),
        groups=_list(map(sql.Identifier, shape.groups)),
        aggregates=_list(sql.SQL("{} AS {}").format(sql.SQL(term), sql.Identifier(name)) for name, term in shape.sums.items()),
        entries=_entries(source, shape, bucket),
    )


def fingerprints(source: Source) -> sql.Composed:
    """One row per hour: ``hour, entries, fingerprint``, to be compared with what the rollups remember of it."""
    return sql.SQL(
        "SELECT (extract(epoch FROM bucket - %(midnight)s) / 3600)::int, count(*), sum(fingerprint)::numeric"
        " FROM ({}) AS entries GROUP BY bucket"
    ).format(_entries(source, SHAPES[source.ledger.name], HOUR))


def untimed(source: Source) -> sql.Composed:
    """One row per reason, ``reason, entries``: the entries that no day can hold."""
    column = "day" if source.has("day") else "occurred_at"
    return sql.SQL(
        "SELECT CASE WHEN {at} IS NULL THEN {missing} WHEN isfinite({at}) THEN 'out_of_range' ELSE 'not_finite' END, count(*)"
        " FROM {table} WHERE ({at} IS NULL OR {at} < {past} OR {at} = 'infinity') AND {condition} GROUP BY 1"
    ).format(at=source.raw(column), missing=f"missing_{column}", past=EARLIEST, table=source.name, condition=source.condition)


def count(source: Source) -> sql.Composed:
    """``(rows,)`` of the whole ledger."""
    return sql.SQL("SELECT count(*) FROM {} WHERE {}").format(source.name, source.condition)


def trial(source: Source) -> sql.Composed:
    """The statement that a refresh reads the ledger with, for its errors only: ``(rows,)``."""
    statement = {"allocations": allocations, "quests": quests}.get(source.ledger.name, aggregate)
    return sql.SQL("SELECT count(*) FROM ({}) AS trial").format(statement(source))


def next_entry(source: Source) -> sql.Composed:
    """``(time of the first entry in the range,)``, to step from one day that has entries to the next."""
    return sql.SQL(
        "SELECT min({at}::timestamptz) FROM {table} WHERE {at} >= %(start)s AND {at} < %(end)s AND {condition}"
    ).format(at=source.raw("occurred_at"), table=source.name, condition=source.condition)


def allocations(source: Source) -> sql.Composed:
    """One row per day and quest in the closed range of days: ``day, flaw, quest_id, allocated_usd, spent_usd, entries``."""
    return sql.SQL("""
SELECT day, flaw, {quest}, allocated_usd, spent_usd, entries
  FROM (SELECT day, flaw, CASE WHEN flaw IS NULL THEN quest_id END AS quest_id,
               sum(allocated_usd) FILTER (WHERE flaw IS NULL) AS allocated_usd,
               sum(spent_usd) FILTER (WHERE flaw IS NULL) AS spent_usd, count(*) AS entries
          FROM (SELECT {day} AS day, {flaw} AS flaw, {quest_id} AS quest_id,
                       {allocated} AS allocated_usd, {spent} AS spent_usd
                  FROM {table} WHERE {day} >= %(start)s AND {day} <= %(end)s AND {condition}) AS entries
         GROUP BY 1, 2, 3) AS sums
""").format(
        quest=bounded("quest_id"),
        day=source.raw("day"),
        flaw=source.flaw(("allocated_usd", "spent_usd")),
        quest_id=source.text("quest_id"),
        allocated=source.number("allocated_usd"),
        spent=source.number("spent_usd"),
        table=source.name,
        condition=source.condition,
    )


def quests(source: Source) -> sql.Composed:
    """One row per quest: ``flaw, quest_id, name, layer, entries``. A quest that is listed twice has its first name."""
    return sql.SQL("""
SELECT flaw, {id}, left(name, 4096), left(layer, 4096), entries
  FROM (SELECT DISTINCT ON (quest_id) {flaw} AS flaw, {quest_id} AS quest_id, {name} AS name, {layer} AS layer,
               count(*) OVER (PARTITION BY {quest_id}) AS entries
          FROM {table} WHERE {condition} ORDER BY quest_id, name, layer) AS entries
""").format(
        id=bounded("quest_id"),
        flaw=source.flaw((), required="quest_id"),
        quest_id=source.text("quest_id"),
        name=source.text("quest"),
        layer=source.text("layer"),
        table=source.name,
        condition=source.condition,
    )


def _entries(source: Source, shape: Shape, bucket: timedelta) -> sql.Composed:
    """The entries of a range: ``bucket, at, flaw, fingerprint, *groups, *numbers``, the last two NULL where there is a flaw."""
    columns = shape.groups + shape.numbers
    # OFFSET 0 keeps PostgreSQL from working the flaw of a row out anew for each column that asks for it.
    sound = (sql.SQL("CASE WHEN flaw IS NULL THEN {0} END AS {0}").format(sql.Identifier(column)) for column in columns)
    return sql.SQL("""
SELECT date_bin({bucket}, at, %(midnight)s) AS bucket, at, entry, flaw, stamp,
       hash_record_extended(ROW({identity}, {columns}), 0) >> 16 AS fingerprint, {sound}
  FROM (SELECT {time}::timestamptz AS at, {entry} AS entry, {id}::text AS id, {flaw} AS flaw, {stamp} AS stamp,
               {texts}, {numbers}
          FROM {table} WHERE {time} >= %(start)s AND {time} < %(end)s AND {condition} OFFSET 0) AS entries
""").format(
        bucket=bucket,
        # Which entry of a task is the latest matters, so a change of that must show too.
        identity=sql.SQL("at, id") if "stamp" in shape.sums else sql.SQL("NULL::text"),
        id=source.raw("entry_id"),
        columns=_list(map(sql.Identifier, columns)),
        sound=_list(sound),
        time=source.raw("occurred_at"),
        entry=source.raw("entry_id") if source.tracked else sql.SQL("NULL::bigint"),
        flaw=source.flaw(shape.numbers, required=shape.required),
        stamp=_stamp(source) if "stamp" in shape.sums else sql.SQL("NULL::text"),
        texts=_list(sql.SQL("{} AS {}").format(source.text(column), sql.Identifier(column)) for column in shape.groups),
        numbers=_list(sql.SQL("{} AS {}").format(source.number(column), sql.Identifier(column)) for column in shape.numbers),
        table=source.name,
        condition=source.condition,
    )


def _stamp(source: Source) -> sql.Composed:
    """A text that sorts as (occurred_at, entry_id) do."""
    entry = source.raw("entry_id")
    if source.numbered:
        order = sql.SQL("to_char({}::numeric + 9223372036854775808, 'FM00000000000000000000')").format(entry)
    else:
        order = sql.SQL("{}::text").format(entry)
    return sql.SQL("""(to_char({}::timestamptz, 'YYYYMMDDHH24MISSUS') || coalesce({}, '')) COLLATE "C" """).format(
        source.raw("occurred_at"), order
    )


def _list(terms: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(terms)
