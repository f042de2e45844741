-- One day of both ledgers, summed up by what keeps entries apart: 24 hours, so that the time of day does not matter.
-- The outer max() keeps PostgreSQL from leaving out sums that nobody reads.
SELECT 'costs', count(*), max(calls), max(usd), max(input_tokens), max(output_tokens)
  FROM (SELECT task_id, quest_id, provider, model, count(*) AS calls, sum(cost_usd) AS usd,
               sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
          FROM cost_ledger WHERE created_at >= now() - interval '1 day' GROUP BY 1, 2, 3, 4) AS costs
UNION ALL
SELECT 'impacts', count(*), max(judged), max(usd), max(tokens), max(impact)
  FROM (SELECT task_id, quest_id, layer, task_title, count(*) AS judged, sum(cost_usd) AS usd,
               sum(total_tokens) AS tokens, sum(impact_score) AS impact
          FROM impact_ledger WHERE created_at >= now() - interval '1 day' GROUP BY 1, 2, 3, 4) AS impacts
