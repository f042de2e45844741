-- Spend, calls and tokens of all time by quest, provider and model.
SELECT id AS quest_id, name AS quest, layer, family AS provider, model,
       coalesce(sum(usd), 0)::float8 AS resource_spend_usd,
       sum(calls)::float8 AS resource_calls,
       coalesce(sum(input_tokens), 0)::float8 AS resource_tokens__input,
       coalesce(sum(output_tokens), 0)::float8 AS resource_tokens__output
  FROM (SELECT quest_id, provider, model, sum(cost_usd) AS usd, count(*) AS calls,
               sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
          FROM cost_ledger GROUP BY quest_id, provider, model) AS sums
  JOIN quests ON id = quest_id
  JOIN provider_families USING (provider)
 GROUP BY id, name, layer, family, model
