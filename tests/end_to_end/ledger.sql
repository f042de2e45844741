-- A ledger small enough to check by hand; all times are relative to midnight, UTC. Real ledgers have gaps, so this one may.
ALTER TABLE quest_budget_allocations ALTER spent_usd DROP NOT NULL;
ALTER TABLE cost_ledger
    ALTER task_id DROP NOT NULL, ALTER quest_id DROP NOT NULL, ALTER provider DROP NOT NULL, ALTER model DROP NOT NULL;

INSERT INTO quests (id, name, layer) VALUES ('q1', 'Literature triage', 'Atlas'), ('q2', 'Peer "review"', 'Senate');

INSERT INTO quest_budget_allocations (quest_id, day, allocated_usd, spent_usd)
SELECT 'q1', current_date - back, 10, 4.25 FROM generate_series(0, 39) AS back
UNION ALL SELECT 'q2', current_date, 5, NULL
UNION ALL SELECT 'q2', current_date + 1, 7, NULL;

INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd) VALUES
    (date_trunc('day', now()), 't1', 'q1', 'minimax', 'MiniMax-M2', 1000, 200, 1.10),
    (date_trunc('day', now()), 't1', 'q1', 'openrouter', 'z-ai/glm-4.6', 500, 50, 2.20),
    (date_trunc('day', now()) - interval '3 days', 't2', 'q2', 'aws-bedrock', 'claude', 9000, 900, 0.30),
    (date_trunc('day', now()) - interval '3 days', 't2', 'q2', 'aws-bedrock', 'claude', 0, 0, -0.10),
    (date_trunc('day', now()) - interval '60 days', NULL, NULL, NULL, NULL, 7, 3, NULL),
    (date_trunc('day', now()) - interval '60 days', 't3', 'q3', 'codex', 'gpt', 1, 1, 'NaN'),
    (date_trunc('day', now()) + interval '2 days', 't4', 'q1', 'codex', 'gpt', 1, 1, 100);

INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, task_title, total_tokens, cost_usd, impact_score) VALUES
    (date_trunc('day', now()), now(), 't1', 'q1', 'Atlas', E'Sort\tpapers', 1750, 3.30, 6.6),
    (date_trunc('day', now()) - interval '3 days', now(), 't2', 'q2', 'Senate', 'Review', 9900, 0.20, NULL),
    (date_trunc('day', now()) - interval '3 days', now(), 't5', 'q2', 'Senate', 'Rebuttal', 4000, 0.50, 0.5);
