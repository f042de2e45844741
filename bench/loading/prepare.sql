-- Draws in [0, 1) that depend on their number alone, so that every run has the same ledger.
CREATE FUNCTION pg_temp.draw(bigint, bigint) RETURNS float8 IMMUTABLE LANGUAGE sql
    AS 'SELECT (hashint8extended($1, $2) & 4503599627370495)::float8 / 4503599627370496';

-- Nights are quiet: of a stretch of even days, the time at which a call falls. Three times as many at noon as at midnight.
CREATE FUNCTION pg_temp.at(day float8) RETURNS timestamptz IMMUTABLE LANGUAGE sql
    AS 'SELECT to_timestamp(86400 * ($1 + 0.5 * sin(2 * pi() * $1) / (2 * pi())))';

CREATE TABLE provider_families (provider text PRIMARY KEY, family text NOT NULL);
INSERT INTO provider_families VALUES
    ('minimax', 'MiniMax'), ('openai-codex', 'Codex'), ('aws-bedrock', 'Bedrock'), ('zhipu', 'GLM'),
    ('mistral', 'Mistral'), ('deepseek', 'DeepSeek');

INSERT INTO quests
SELECT 'quest-' || lpad(quest::text, 3, '0'), 'Quest number ' || quest,
       (ARRAY['Agora', 'Atlas', 'Exchange', 'Forge', 'Senate'])[1 + quest % 5]
  FROM generate_series(0, 59) AS quest;

INSERT INTO quest_budget_allocations (quest_id, day, allocated_usd, spent_usd)
SELECT id, current_date - back, 20 + right(id, 3)::int % 50, 15 + right(id, 3)::int % 40
  FROM quests, generate_series(0, :days - 1) AS back;

DROP INDEX cost_ledger_created_at_idx, impact_ledger_created_at_idx, impact_ledger_updated_at_idx;
