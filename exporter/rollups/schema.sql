-- Rollups: partial sums of the ledgers. Derived and disposable; whatever is lost is read again.
-- A fact belongs to an hour of a day that is still open, and to the whole day (hour IS NULL) once the day has settled.

CREATE SEQUENCE IF NOT EXISTS keys;

-- Names, told once. Facts refer to them by number.
CREATE TABLE IF NOT EXISTS tasks  (task INTEGER, task_id VARCHAR);
CREATE TABLE IF NOT EXISTS quests (quest INTEGER, quest_id VARCHAR);
-- provider is the name the ledger uses, family the one the report uses.
CREATE TABLE IF NOT EXISTS models (pair INTEGER, provider VARCHAR, model VARCHAR, family VARCHAR);

CREATE TABLE IF NOT EXISTS costs (
    day DATE, hour UTINYINT, task INTEGER, quest INTEGER, pair INTEGER,
    calls HUGEINT, unpriced HUGEINT, usd DECIMAL(38, 15), positive_usd DECIMAL(38, 15),
    input_tokens HUGEINT, output_tokens HUGEINT
);
CREATE TABLE IF NOT EXISTS impacts (
    day DATE, hour UTINYINT, task INTEGER, quest INTEGER, layer VARCHAR, title VARCHAR, stamp VARCHAR,
    judged HUGEINT, usd DECIMAL(38, 15), tokens HUGEINT, impact DECIMAL(38, 15)
);
CREATE TABLE IF NOT EXISTS allocations (
    day DATE, quest INTEGER, allocated_usd DECIMAL(38, 15), spent_usd DECIMAL(38, 15)
);
CREATE TABLE IF NOT EXISTS names (quest INTEGER, name VARCHAR, layer VARCHAR);

-- What is remembered of each hour of a ledger, so that an audit can tell whether it still stands like that.
CREATE TABLE IF NOT EXISTS hours (
    ledger VARCHAR, day DATE, hour UTINYINT, entries HUGEINT, print HUGEINT, usd DECIMAL(38, 15), newest TIMESTAMP
);
-- day and hour are NULL for entries that no day can hold.
CREATE TABLE IF NOT EXISTS rejected (ledger VARCHAR, day DATE, hour UTINYINT, flaw VARCHAR, entries HUGEINT);

-- Kept in step with the facts, for the touched days and tasks only, so that no report has to read all facts.
CREATE TABLE IF NOT EXISTS cost_days (
    day DATE, quest INTEGER, pair INTEGER, calls HUGEINT, unpriced HUGEINT, usd DECIMAL(38, 15),
    input_tokens HUGEINT, output_tokens HUGEINT
);
CREATE TABLE IF NOT EXISTS task_totals (
    task INTEGER, quest INTEGER, layer VARCHAR, title VARCHAR, usd DECIMAL(38, 15), tokens HUGEINT, impact DECIMAL(38, 15)
);
-- One row per task and provider family: the task's share of positive costs, and the last day it called the provider.
CREATE TABLE IF NOT EXISTS task_providers (task INTEGER, family VARCHAR, share DOUBLE, last_day DATE);
-- What each task brings to each provider over its lifetime, in equal shares of what it paid.
CREATE TABLE IF NOT EXISTS task_credits (task INTEGER, family VARCHAR, impact DECIMAL(38, 15), wasted_usd DECIMAL(38, 15));

CREATE TABLE IF NOT EXISTS state (name VARCHAR PRIMARY KEY, value VARCHAR);
