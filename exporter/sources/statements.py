"""The statements that read a ledger, over half-open ranges of time that an index can serve.

Entries are sent as they are: for PostgreSQL that is several times cheaper than to sum them up, and the rollups do so faster.
Parameters: ``start`` and ``end`` bound the rows, ``midnight`` is where hours are counted from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from psycopg import sql

from exporter.sources.mapping import Source, bounded, cut

EARLIEST = date(2, 1, 2)
"""Times before this have no day in every time zone; such rows are rejected like those without a time."""
MOST_HOURS = 10_000
"""As many hours as are compared at a time. Beyond, the range is compared in pieces."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a ledger of timed entries: ids, other texts, and numbers; which one there must be; whether order matters.

    Of impacts, the latest entry of a task says what the task is, so a change of that must show too.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    required: str | None = None
    ordered: bool = False

    @property
    def told(self) -> tuple[str, ...]:
        """The columns in which an entry differs from another one."""
        return (("occurred_at", "entry_id") if self.ordered else ()) + self.ids + self.texts + self.numbers


SHAPES = {
    "costs": Shape(
        ids=("task_id", "quest_id"), texts=("provider", "model"), numbers=("cost_usd", "input_tokens", "output_tokens")
    ),
    "impacts": Shape(
        ids=("task_id", "quest_id"),
        texts=("layer", "task"),
        numbers=("cost_usd", "total_tokens", "impact_score"),
        required="task_id",
        ordered=True,
    ),
}


def entries(source: Source, slices: int = 1) -> sql.Composed:
    """One row per entry: ``at, rejection_reason, checksum, number, name, *ids, *texts, *numbers``.

    ``rejection_reason`` says why an entry is rejected; then it has no numbers. ``number`` is its id where that is whole,
    ``name`` where it is not, both only where somebody asks. Of several slices, a power of two, the parameter ``slice`` names
    the one to read: each holds the entries whose ids have a certain hash.
    """
    shape = SHAPES[source.ledger.name]
    # OFFSET 0 keeps PostgreSQL from working the rejection_reason of a row out again for each column that asks for it.
    return sql.SQL("""
SELECT at AT TIME ZONE 'UTC', rejection_reason, checksum, number, name, {ids}, {texts}, {sound}
  FROM (SELECT {time}::timestamptz AS at, {rejection_reason} AS rejection_reason, {checksum} AS checksum,
               {number} AS number, {name} AS name,
               {columns}
          FROM {table} WHERE {time} >= %(start)s AND {time} < %(end)s AND {condition}{slice} OFFSET 0) AS entries
""").format(
        slice=_slice(source, slices),
        ids=_list(bounded(column) for column in shape.ids),
        texts=_list(map(cut, shape.texts)),
        sound=_list(
            sql.SQL("CASE WHEN rejection_reason IS NULL THEN {} END").format(sql.Identifier(column)) for column in shape.numbers
        ),
        time=source.raw("occurred_at"),
        rejection_reason=source.rejection_reason(shape.numbers, required=shape.required),
        checksum=source.checksum(shape.told),
        number=source.raw("entry_id") if source.numbered and (shape.ordered or source.tracked) else sql.SQL("NULL"),
        name=sql.SQL("NULL") if source.numbered or not shape.ordered else source.beginning("entry_id"),
        columns=_list(
            [_named(source.text(column), column) for column in shape.ids + shape.texts]
            + [_named(source.number(column), column) for column in shape.numbers]
        ),
        table=source.name,
        condition=source.condition,
    )


def _slice(source: Source, slices: int) -> sql.Composable:
    if slices == 1:
        return sql.SQL("")
    return sql.SQL(" AND hashtextextended({}, 0) & {} = %(slice)s").format(source.text("entry_id"), slices - 1)


def checksums(source: Source) -> sql.Composed:
    """One row per hour: ``hour, entries, checksum``, to be compared with what the rollups remember of it.

    The checksum does not depend on the order of the entries: any change changes it. More than MOST_HOURS rows say that
    there are too many hours to tell.
    """
    return sql.SQL("""
SELECT (extract(epoch FROM bucket - %(midnight)s) / 3600)::int, count(*), sum(checksum)::numeric
  FROM (SELECT date_bin('1 hour', {time}::timestamptz, %(midnight)s) AS bucket, {checksum} AS checksum
          FROM {table} WHERE {time} >= %(start)s AND {time} < %(end)s AND {condition}) AS entries GROUP BY bucket
 LIMIT {most}
""").format(
        most=MOST_HOURS + 1,
        time=source.raw("occurred_at"),
        checksum=source.checksum(SHAPES[source.ledger.name].told),
        table=source.name,
        condition=source.condition,
    )


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


def next_entry(source: Source) -> sql.Composed:
    """``(time of the first entry in the range,)``, to step from one day that has entries to the next."""
    return sql.SQL(
        "SELECT min({at}::timestamptz) FROM {table} WHERE {at} >= %(start)s AND {at} < %(end)s AND {condition}"
    ).format(at=source.raw("occurred_at"), table=source.name, condition=source.condition)


def nth_entry(source: Source) -> sql.Composed:
    """``(time of an entry in the range,)``, before which ``rows`` entries of it occurred; no row where there are fewer."""
    return sql.SQL(
        "SELECT {at}::timestamptz FROM {table} WHERE {at} >= %(start)s AND {at} < %(end)s AND {condition}"
        " ORDER BY {at} OFFSET %(rows)s LIMIT 1"
    ).format(at=source.raw("occurred_at"), table=source.name, condition=source.condition)


def digest(source: Source) -> sql.Composed:
    """``(rows, checksum)`` of a ledger without timed entries, which tell whether it need be read.

    Where it has days, of a range of them, closed as that of :func:`allocations`.
    """
    days = sql.SQL("{0} >= %(start)s AND {0} <= %(end)s").format(source.raw("day")) if source.has("day") else sql.SQL("TRUE")
    return sql.SQL("SELECT count(*), sum({checksum}) FROM {table} WHERE {days} AND {condition}").format(
        checksum=source.checksum(sorted(source.ledger.columns)),
        table=source.name,
        days=days,
        condition=source.condition,
    )


def allocations(source: Source) -> sql.Composed:
    """``day, rejection_reason, quest_id, allocated_usd, spent_usd, entries``: a row per day and quest in the closed range."""
    return sql.SQL("""
SELECT day, rejection_reason, {quest}, allocated_usd, spent_usd, entries
  FROM (SELECT day, rejection_reason, CASE WHEN rejection_reason IS NULL THEN quest_id END AS quest_id,
               sum(allocated_usd) FILTER (WHERE rejection_reason IS NULL) AS allocated_usd,
               sum(spent_usd) FILTER (WHERE rejection_reason IS NULL) AS spent_usd, count(*) AS entries
          FROM (SELECT {day} AS day, {rejection_reason} AS rejection_reason, {quest_id} AS quest_id,
                       {allocated} AS allocated_usd, {spent} AS spent_usd
                  FROM {table} WHERE {day} >= %(start)s AND {day} <= %(end)s AND {condition}) AS entries
         GROUP BY 1, 2, 3) AS sums
""").format(
        quest=bounded("quest_id"),
        day=source.raw("day"),
        rejection_reason=source.rejection_reason(("allocated_usd", "spent_usd")),
        quest_id=source.text("quest_id"),
        allocated=source.number("allocated_usd"),
        spent=source.number("spent_usd"),
        table=source.name,
        condition=source.condition,
    )


def quests(source: Source) -> sql.Composed:
    """``rejection_reason, quest_id, name, layer, entries``: a row per quest. One that is listed twice has its first name."""
    return sql.SQL("""
SELECT rejection_reason, {id}, {texts}, entries
  FROM (SELECT DISTINCT ON (quest_id) {rejection_reason} AS rejection_reason, {quest_id} AS quest_id, {name} AS name,
               {layer} AS layer,
               count(*) OVER (PARTITION BY {quest_id}) AS entries
          FROM {table} WHERE {condition} ORDER BY quest_id, name, layer) AS entries
""").format(
        id=bounded("quest_id"),
        texts=_list(map(cut, ("name", "layer"))),
        rejection_reason=source.rejection_reason((), required="quest_id"),
        quest_id=source.text("quest_id"),
        name=sql.SQL("nullif({}, '')").format(source.text("quest")),
        layer=sql.SQL("nullif({}, '')").format(source.text("layer")),
        table=source.name,
        condition=source.condition,
    )


def _named(term: sql.Composable, name: str) -> sql.Composed:
    return sql.SQL("{} AS {}").format(term, sql.Identifier(name))


def _list(terms: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(terms)
