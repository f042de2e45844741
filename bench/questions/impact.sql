-- Impact of each quest's tasks in each window, and what they cost.
WITH sums AS (
    SELECT quest_id, sum(impact_score) AS lifetime, sum(cost_usd) AS lifetime_usd,
           sum(impact_score) FILTER (WHERE created_at >= current_date) AS d1,
           sum(cost_usd) FILTER (WHERE created_at >= current_date) AS d1_usd,
           sum(impact_score) FILTER (WHERE created_at >= current_date - 6) AS d7,
           sum(cost_usd) FILTER (WHERE created_at >= current_date - 6) AS d7_usd,
           sum(impact_score) FILTER (WHERE created_at >= current_date - 29) AS d30,
           sum(cost_usd) FILTER (WHERE created_at >= current_date - 29) AS d30_usd
      FROM impact_ledger GROUP BY quest_id
)
SELECT id AS quest_id, name AS quest, layer, "window",
       CASE WHEN lifetime IS NOT NULL THEN coalesce(impact, 0) END::float8 AS resource_quest_impact_score,
       coalesce(usd, 0)::float8 AS resource_quest_impact_cost_usd
  FROM sums JOIN quests ON id = quest_id
 CROSS JOIN LATERAL (VALUES ('1d', d1, d1_usd), ('7d', d7, d7_usd), ('30d', d30, d30_usd), ('lifetime', lifetime, lifetime_usd))
       AS windows ("window", impact, usd)
