-- Spend of each quest in each window.
SELECT id AS quest_id, name AS quest, layer, "window", coalesce(usd, 0)::float8 AS resource_quest_spend_usd
  FROM quests
  LEFT JOIN (SELECT quest_id, sum(cost_usd) AS lifetime,
                    sum(cost_usd) FILTER (WHERE created_at >= current_date) AS d1,
                    sum(cost_usd) FILTER (WHERE created_at >= current_date - 6) AS d7,
                    sum(cost_usd) FILTER (WHERE created_at >= current_date - 29) AS d30
               FROM cost_ledger GROUP BY quest_id) AS sums ON id = quest_id
 CROSS JOIN LATERAL (VALUES ('1d', d1), ('7d', d7), ('30d', d30), ('lifetime', lifetime)) AS windows ("window", usd)
