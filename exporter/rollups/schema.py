"""The tables of the rollup file. Derived and disposable; whatever is lost is read again."""

from exporter.columns import COST_SUMS, DECIMAL, listed
from exporter.rollups.running_totals import RUNNING_TOTALS
from exporter.rollups.tasks import ROWS

_TABLES = f"""
CREATE SEQUENCE keys;

-- Names are kept once; all other tables refer to them by number.
-- digest is the beginning of an MD5 sum of the id. month is the one with which a task is compacted; NULL if it is not.
CREATE TABLE tasks  (task INTEGER, task_id VARCHAR, digest UINTEGER, month DATE);
-- Compacted tasks that no ranking can show, of which the name is not kept. digest is longer, for it stands for the id.
CREATE TABLE dropped_tasks (task INTEGER, digest UBIGINT, month DATE);
-- How many dropped tasks of a slice called exactly these provider families.
CREATE TABLE dropped_callers (month DATE, slice INTEGER, families VARCHAR[], tasks HUGEINT);
CREATE TABLE quests (quest INTEGER, quest_id VARCHAR);
-- provider is the name the ledger uses, family the one the report uses.
CREATE TABLE models (model_key INTEGER, provider VARCHAR, model VARCHAR, family VARCHAR);

-- What is known of a range of time of a ledger, which begins so many minutes after local midnight and is so many minutes
-- long. entries and checksum tell whether the ledger still holds the same, keys is the sum of the keys. low and high bound the
-- ids where these are numbers. positive_usd leaves credits out. newest is the latest entry that had happened when it was read,
-- ahead are the times of those that had not. There may be several rows of a range, which add up.
CREATE TABLE ranges (
    ledger VARCHAR, day DATE, minute USMALLINT, minutes USMALLINT, entries HUGEINT, checksum HUGEINT, keys HUGEINT,
    positive_usd {DECIMAL}, low BIGINT, high BIGINT, newest TIMESTAMP, ahead TIMESTAMP[]
);
-- The quests of the outcomes of a month that are compacted, each with the layer and the order of the latest. There may be
-- several rows of each.
CREATE TABLE compacted_quests (month DATE, quest INTEGER, layer VARCHAR, latest VARCHAR);
-- The ranges of reopened months that are to be read again.
CREATE TABLE unread (ledger VARCHAR, day DATE, minute USMALLINT);
-- minute is NULL for entries that no day can hold.
CREATE TABLE rejected (ledger VARCHAR, day DATE, minute USMALLINT, rejection_reason VARCHAR, entries HUGEINT);
-- Entries above the low watermark, one row each, so that each is counted once. day is NULL for those not counted yet.
CREATE TABLE pending (ledger VARCHAR, key BIGINT, day DATE, minute USMALLINT);

-- Calls, summed up by range, task, quest and model. There may be several rows of each. task is NULL for calls without a task.
CREATE TABLE costs (
    day DATE, minute USMALLINT, task INTEGER, quest INTEGER, model_key INTEGER, {listed(COST_SUMS, "{name} {type}")}
);
-- Days of which calls of compacted tasks, and calls without a task, are in cost_days only; and what was read again of them.
CREATE TABLE compacted_days (day DATE);
CREATE TABLE costs_again AS FROM costs;
-- Judged outcomes, one by one, but for those of compacted tasks. key is the id, or a hash of it, name the id that is no
-- number. Rejected ones have a reason. usd and tokens are NULL where the ledger does not tell them.
CREATE TABLE impacts (
    key BIGINT, name VARCHAR, day DATE, minute USMALLINT, occurred_at TIMESTAMP, checksum BIGINT, rejection_reason VARCHAR,
    task INTEGER, quest INTEGER, layer VARCHAR, title VARCHAR, usd {DECIMAL}, tokens HUGEINT, impact {DECIMAL}
);
CREATE TABLE allocations (
    day DATE, quest INTEGER, allocated_usd {DECIMAL}, spent_usd {DECIMAL}
);
-- What a quest may spend from one day to another; a budget without an end has no ends_on.
CREATE TABLE budgets (
    quest INTEGER, period VARCHAR, usd {DECIMAL}, starts_on DATE, ends_on DATE
);
CREATE TABLE names (quest INTEGER, name VARCHAR, layer VARCHAR);

-- One row per judged task. reason says why it is wasted, efficiency is its impact per USD; each is NULL where it is not.
-- own_usd, own_tokens and own_quest are false where no outcome of the task tells these: they are those of its calls then.
CREATE TABLE task_totals (
    task INTEGER, quest INTEGER, layer VARCHAR, title VARCHAR, usd {DECIMAL}, tokens HUGEINT, impact {DECIMAL},
    reason VARCHAR, efficiency DOUBLE, own_usd BOOLEAN, own_tokens BOOLEAN, own_quest BOOLEAN
);
-- One row per task and provider family: the provider's share in the task, and the last day the task called it. Shares are by
-- positive costs; where none is positive, as with free and local models, by tokens; without any, by calls.
CREATE TABLE task_providers (task INTEGER, family VARCHAR, share DOUBLE, last_day DATE);

CREATE TABLE state (name VARCHAR, value VARCHAR);
"""

DROPPED = {name: RUNNING_TOTALS[name].of_slices() for name in ROWS}
"""What dropped tasks bring to each running total, by month and slice of their numbers."""
SCHEMA = _TABLES + "\n".join(total.ddl for total in (*RUNNING_TOTALS.values(), *DROPPED.values()))
