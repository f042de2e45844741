"""The statements that read the ledgers without timed entries: allocations, by day, and quests."""

from psycopg import sql

from exporter.sources.lengths import bounded, cut
from exporter.sources.mapping import Source
from exporter.sources.statements import EARLIEST, LATEST, untimed_condition


def untimed(source: Source) -> sql.Composed:
    """One row per reason, ``reason, entries``: the allocations that no day can hold."""
    return sql.SQL(
        "SELECT CASE WHEN {at} IS NULL THEN {missing} WHEN isfinite({at}) THEN 'out_of_range' ELSE 'not_finite' END, count(*)"
        " FROM {table} WHERE {untimed} GROUP BY 1"
    ).format(at=source.raw("day"), missing="missing_day", table=source.name, untimed=untimed_condition(source))


def digest(source: Source) -> sql.Composed:
    """``(rows, checksum)`` of the quests, which tell whether they need be read."""
    return sql.SQL("SELECT count(*), sum({checksum}) FROM {table} WHERE {condition}").format(
        checksum=source.checksum(sorted(source.ledger.columns)), table=source.name, condition=source.condition
    )


def day_checksums(source: Source) -> sql.Composed:
    """One row per day in one of two closed ranges that has allocations: ``day, rows, checksum``."""
    return sql.SQL(
        "SELECT {day}, count(*), sum({checksum})::numeric FROM {table}"
        " WHERE ({day} BETWEEN %(start)s AND %(end)s OR {day} BETWEEN %(older_start)s AND %(older_end)s) AND {condition}"
        " GROUP BY 1"
    ).format(
        day=source.raw("day"),
        checksum=source.checksum(sorted(source.ledger.columns)),
        table=source.name,
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


def budgets(source: Source) -> sql.Composed:
    """``rejection_reason, quest_id, budget_usd, starts_on, ends_on, period, entries``: a row per quest and period.

    Several rows of one quest and period are summed up. The period is as the ledger names it; NULL where it does not.
    """
    return sql.SQL("""
SELECT rejection_reason, {quest}, budget_usd, starts_on, ends_on, {period}, entries
  FROM (SELECT rejection_reason, CASE WHEN rejection_reason IS NULL THEN quest_id END AS quest_id,
               sum(budget_usd) FILTER (WHERE rejection_reason IS NULL) AS budget_usd,
               CASE WHEN rejection_reason IS NULL THEN starts_on END AS starts_on,
               CASE WHEN rejection_reason IS NULL THEN ends_on END AS ends_on,
               CASE WHEN rejection_reason IS NULL THEN period END AS period, count(*) AS entries
          FROM (SELECT coalesce({amount}, {bounds}) AS rejection_reason, {quest_id} AS quest_id, {budget} AS budget_usd,
                       {starts_on} AS starts_on, {last_day} AS ends_on, nullif({name}, '') AS period
                  FROM {table} WHERE {condition}) AS entries
         GROUP BY 1, 2, 4, 5, 6) AS sums
""").format(
        quest=bounded("quest_id"),
        period=cut("period"),
        amount=source.rejection_reason(("budget_usd",)),
        bounds=_bounds(source),
        quest_id=source.text("quest_id"),
        budget=source.number("budget_usd"),
        starts_on=source.raw("starts_on"),
        last_day=_last_day(source),
        name=source.text("period"),
        table=source.name,
        condition=source.condition,
    )


def _bounds(source: Source) -> sql.Composed:
    """Why a budget holds on no days."""
    return sql.SQL(
        "CASE WHEN {start} IS NULL THEN 'missing_starts_on' WHEN NOT isfinite({start}) OR {end} = '-infinity' THEN 'not_finite'"
        " WHEN {start} < {earliest} OR {start} >= {latest} OR {end} >= {latest} THEN 'out_of_range'"
        " WHEN {end} < {start} THEN 'ends_before_start' END"
    ).format(start=source.raw("starts_on"), end=_last_day(source), earliest=EARLIEST, latest=LATEST)


def _last_day(source: Source) -> sql.Composable:
    """The last day of a budget; NULL where it never ends."""
    return sql.SQL("nullif({}, 'infinity')").format(source.raw("ends_on")) if source.has("ends_on") else sql.SQL("NULL::date")


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
        texts=sql.SQL(", ").join(map(cut, ("name", "layer"))),
        rejection_reason=source.rejection_reason((), required="quest_id"),
        quest_id=source.text("quest_id"),
        name=sql.SQL("nullif({}, '')").format(source.text("quest")),
        layer=sql.SQL("nullif({}, '')").format(source.text("layer")),
        table=source.name,
        condition=source.condition,
    )
