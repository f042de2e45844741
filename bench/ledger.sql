-- Draws in [0, 1) that depend on their number alone, so that every run has the same ledger.
CREATE FUNCTION pg_temp.draw(bigint, bigint) RETURNS float8 IMMUTABLE LANGUAGE sql
    AS 'SELECT (hashint8extended($1, $2) & 4503599627370495)::float8 / 4503599627370496';

-- Nights are quiet: of a stretch of even days, the time at which a call falls. Three times as many at noon as at midnight.
CREATE FUNCTION pg_temp.at(day float8) RETURNS timestamptz IMMUTABLE LANGUAGE sql
    AS 'SELECT to_timestamp(86400 * ($1 + 0.5 * sin(2 * pi() * $1) / (2 * pi())))';

CREATE TABLE provider_families (provider text PRIMARY KEY, family text NOT NULL);
INSERT INTO provider_families VALUES
    ('minimax', 'MiniMax'), ('openai-codex', 'Codex'), ('aws-bedrock', 'Bedrock'), ('zhipu', 'GLM'),
    ('mistral', 'mistral'), ('deepseek', 'deepseek');

INSERT INTO quests
SELECT 'quest-' || lpad(quest::text, 3, '0'), 'Quest number ' || quest,
       (ARRAY['Agora', 'Atlas', 'Exchange', 'Forge', 'Senate'])[1 + quest % 5]
  FROM generate_series(0, 199) AS quest;

INSERT INTO quest_budget_allocations (quest_id, day, allocated_usd, spent_usd)
SELECT id, current_date - back, 20 + right(id, 3)::int % 50, 15 + right(id, 3)::int % 40
  FROM quests, generate_series(0, :days - 1) AS back;

DROP INDEX cost_ledger_created_at_idx, impact_ledger_created_at_idx, impact_ledger_updated_at_idx;

-- A call belongs at random to one of the tasks that are under way, which change one by one within about three hours: that makes
-- ten calls per task. A task has one quest, quests of low numbers have many tasks, and each quest uses six of the 36 models, of
-- one or two providers.
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd)
SELECT created_at, 'task-' || lpad(task::text, 9, '0'), 'quest-' || lpad(quest::text, 3, '0'),
       (ARRAY['minimax', 'openai-codex', 'aws-bedrock', 'zhipu', 'mistral', 'deepseek'])[1 + model / 6],
       'model-' || lpad(model::text, 2, '0'), input_tokens, output_tokens,
       round(((input_tokens + 4 * output_tokens) * (0.2 + model % 6) / 1000000)::numeric, 6)
  FROM (SELECT pg_temp.at(:end - (:rows - call)::float8 / :rate) AS created_at, task, quest,
               (quest * 5 + floor(6 * pg_temp.draw(call, 3))::int) % 36 AS model,
               (300 + 6000 * pg_temp.draw(call, 4) ^ 2)::bigint AS input_tokens,
               (20 + 1500 * pg_temp.draw(call, 5) ^ 3)::bigint AS output_tokens
          FROM (SELECT call, task, floor(200 * pg_temp.draw(task, 2) ^ 2)::int AS quest
                  FROM (SELECT call, call / 10 + floor(:tasks * pg_temp.draw(call, 1))::bigint AS task
                          FROM generate_series(0::bigint, :rows - 1) AS call) AS calls) AS tasks) AS entries;

-- A task is judged once, some minutes after its last call, so not while it is under way; 3 in 100 are never scored.
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, task_title, total_tokens, cost_usd, impact_score)
SELECT judged_at, judged_at, task_id, quest_id, layer, 'Task ' || right(task_id, 9), tokens, usd,
       CASE WHEN pg_temp.draw(task, 6) >= 0.03 THEN round((3 * pg_temp.draw(task, 7))::numeric, 3) END
  FROM (SELECT task_id, right(task_id, 9)::bigint AS task, max(quest_id) AS quest_id,
               max(created_at) + interval '10 minutes' AS judged_at,
               sum(input_tokens + output_tokens) AS tokens, sum(cost_usd) AS usd
          FROM cost_ledger GROUP BY task_id) AS tasks
  JOIN quests ON id = quest_id
 WHERE task < :rows / 10 AND judged_at <= now()
 ORDER BY judged_at, task_id;

CREATE INDEX ON cost_ledger (created_at);
CREATE INDEX ON impact_ledger (created_at);
CREATE INDEX ON impact_ledger (updated_at);

-- What a careful user reads who does without the past: the same questions, over the last 30 days.
CREATE SCHEMA last_30_days;
CREATE VIEW last_30_days.cost_ledger AS SELECT * FROM public.cost_ledger WHERE created_at >= current_date - 29;
CREATE VIEW last_30_days.impact_ledger AS SELECT * FROM public.impact_ledger WHERE created_at >= current_date - 29;
GRANT USAGE ON SCHEMA last_30_days TO public;
GRANT SELECT ON ALL TABLES IN SCHEMA public, last_30_days TO public;
