-- Rollups: partial sums of the ledgers. Derived and disposable; whatever is lost is read again.
-- A fact belongs to an hour of a day that is still open, and to the whole day (hour IS NULL) once the day has settled.

CREATE SEQUENCE keys;

-- Names, told once. Facts refer to them by number.
CREATE TABLE tasks  (task INTEGER, task_id VARCHAR);
CREATE TABLE quests (quest INTEGER, quest_id VARCHAR);
-- provider is the name the ledger uses, family the one the report uses.
CREATE TABLE models (model_key INTEGER, provider VARCHAR, model VARCHAR, family VARCHAR);

CREATE TABLE costs (
    day DATE, hour UTINYINT, task INTEGER, quest INTEGER, model_key INTEGER,
    calls BIGINT, unpriced BIGINT, usd DECIMAL(38, 15), positive_usd DECIMAL(38, 15),
    input_tokens HUGEINT, output_tokens HUGEINT
);
CREATE TABLE impacts (
    day DATE, hour UTINYINT, task INTEGER, quest INTEGER, layer VARCHAR, title VARCHAR, sort_key VARCHAR,
    judged BIGINT, usd DECIMAL(38, 15), tokens HUGEINT, impact DECIMAL(38, 15)
);
CREATE TABLE allocations (
    day DATE, quest INTEGER, allocated_usd DECIMAL(38, 15), spent_usd DECIMAL(38, 15)
);
CREATE TABLE names (quest INTEGER, name VARCHAR, layer VARCHAR);

-- What is remembered of each hour of a ledger, so that an audit can tell whether it still stands like that. positive_usd is what
-- was billed without its credits, for the usual course of a day. newest is the latest entry that had happened when the hour was
-- read, ahead are the times of those that had not.
CREATE TABLE hours (
    ledger VARCHAR, day DATE, hour UTINYINT, entries HUGEINT, checksum HUGEINT, positive_usd DECIMAL(38, 15),
    low BIGINT, high BIGINT, newest TIMESTAMP, ahead TIMESTAMP[]
);
-- day and hour are NULL for entries that no day can hold.
CREATE TABLE rejected (ledger VARCHAR, day DATE, hour UTINYINT, rejection_reason VARCHAR, entries HUGEINT);

-- Kept in step with the facts, for the dirty days and tasks only, so that no report has to read all facts.
CREATE TABLE cost_days (
    day DATE, quest INTEGER, model_key INTEGER, calls HUGEINT, unpriced HUGEINT, usd DECIMAL(38, 15),
    input_tokens HUGEINT, output_tokens HUGEINT
);
-- reason says why the task is wasted, efficiency is its impact per USD; each is NULL for a task that is neither.
CREATE TABLE task_totals (
    task INTEGER, quest INTEGER, layer VARCHAR, title VARCHAR, usd DECIMAL(38, 15), tokens HUGEINT, impact DECIMAL(38, 15),
    reason VARCHAR, efficiency DOUBLE
);
-- One row per task and provider family: the provider's share in the task, and the last day the task called it. Shares are by
-- positive costs; where none is positive, as with free and local models, by tokens; without any, by calls.
CREATE TABLE task_providers (task INTEGER, family VARCHAR, share DOUBLE, last_day DATE);
-- What each task brings to each provider over its lifetime, by these shares.
CREATE TABLE task_credits (task INTEGER, family VARCHAR, impact DECIMAL(38, 15), wasted_usd DECIMAL(38, 15));

-- Sums of the four tables before, kept by adding what the dirty rows gained and lost.
-- Of all tasks of a quest that are wasted for one reason, or not at all (NULL). scored is how many have an impact.
CREATE TABLE quest_outcomes (
    quest INTEGER, reason VARCHAR, tasks HUGEINT, scored HUGEINT, usd DECIMAL(38, 15), tokens HUGEINT, impact DECIMAL(38, 15)
);
CREATE TABLE provider_outcomes (
    family VARCHAR, tasks HUGEINT, scored HUGEINT, impact DECIMAL(38, 15), wasted_usd DECIMAL(38, 15)
);
-- How many tasks called a provider on a day for the last time.
CREATE TABLE provider_days (family VARCHAR, day DATE, tasks HUGEINT);
-- Of all days, and how many there are.
CREATE TABLE cost_totals (
    quest INTEGER, model_key INTEGER, days HUGEINT, calls HUGEINT, unpriced HUGEINT, usd DECIMAL(38, 15),
    input_tokens HUGEINT, output_tokens HUGEINT
);

CREATE TABLE state (name VARCHAR PRIMARY KEY, value VARCHAR);
