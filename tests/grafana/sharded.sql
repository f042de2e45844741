-- Four quests and calls without one; the tasks of each quest, and so the two shards, share it. Times are relative to midnight, UTC.
ALTER TABLE cost_ledger ALTER quest_id DROP NOT NULL, ALTER task_id DROP NOT NULL;

INSERT INTO quests (id, name, layer)
SELECT 'q' || n, 'Quest ' || n, (ARRAY['Atlas', 'Forge', 'Senate', 'Agora'])[n] FROM generate_series(1, 4) AS n;

-- q3 has no allocation, and q2 is over it.
INSERT INTO quest_budget_allocations (quest_id, day, allocated_usd, spent_usd)
SELECT 'q' || n, current_date - back, CASE n WHEN 2 THEN 0.5 ELSE 20 * n END, 1
  FROM unnest(ARRAY[1, 2, 4]) AS n, generate_series(-1, 40) AS back;

INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd)
SELECT date_trunc('day', now()) - (n % 40) * interval '1 day', CASE WHEN n % 29 > 0 THEN 't' || n % 61 END,
       CASE WHEN n % 31 > 0 THEN 'q' || 1 + n % 61 % 4 END, (ARRAY['minimax', 'codex', 'aws-bedrock', 'z.ai'])[1 + n % 4], 'm' || n % 5,
       n * 10, n, CASE WHEN n % 37 = 0 THEN -0.25 ELSE n * 0.0173 END
  FROM generate_series(1, 600) AS n;

INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, task_title, total_tokens, cost_usd, impact_score)
SELECT date_trunc('day', now()) - (n % 9) * interval '4 days', now(), 't' || n, 'q' || 1 + n % 4,
       (ARRAY['Atlas', 'Forge', 'Senate', 'Agora'])[1 + n % 4], 'Task ' || n, 900 + n * 17, 0.1 + n * 0.031,
       CASE WHEN n % 3 > 0 THEN n * 0.0217 END
  FROM generate_series(1, 61) AS n;
