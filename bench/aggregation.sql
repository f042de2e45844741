-- The plain aggregation that a first build is compared with: both ledgers summed up by day and by what keeps entries apart.
-- The outer max() keeps PostgreSQL from leaving out sums that nobody reads.
SELECT 'costs', count(*), max(calls), max(usd), max(input_tokens), max(output_tokens)
  FROM (SELECT created_at::date AS day, task_id, quest_id, provider, model, count(*) AS calls, sum(cost_usd) AS usd,
               sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
          FROM cost_ledger GROUP BY 1, 2, 3, 4, 5) AS costs
UNION ALL
SELECT 'impacts', count(*), max(judged), max(usd), max(tokens), max(impact)
  FROM (SELECT created_at::date AS day, task_id, quest_id, layer, task_title, count(*) AS judged, sum(cost_usd) AS usd,
               sum(total_tokens) AS tokens, sum(impact_score) AS impact
          FROM impact_ledger GROUP BY 1, 2, 3, 4, 5) AS impacts
