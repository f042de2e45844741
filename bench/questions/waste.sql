-- What each quest lost in each window, and why.
WITH sums AS (
    SELECT quest_id, CASE WHEN impact_score IS NULL THEN 'unscored' ELSE 'low_impact' END AS reason,
           CASE WHEN created_at >= current_date THEN 1
                WHEN created_at >= current_date - 6 THEN 7
                WHEN created_at >= current_date - 29 THEN 30 ELSE 1000000 END AS age,
           sum(cost_usd) AS usd, sum(total_tokens) AS tokens, count(*) AS tasks
      FROM impact_ledger
     WHERE total_tokens > 1000 AND (impact_score IS NULL OR impact_score <= 0.5)
     GROUP BY quest_id, reason, age
)
SELECT id AS quest_id, name AS quest, layer, reason, "window",
       coalesce(sum(usd) FILTER (WHERE age <= days), 0)::float8 AS resource_quest_wasted_usd,
       coalesce(sum(tokens) FILTER (WHERE age <= days), 0)::float8 AS resource_quest_wasted_tokens,
       coalesce(sum(tasks) FILTER (WHERE age <= days), 0)::float8 AS resource_quest_wasted_tasks
  FROM sums JOIN quests ON id = quest_id
 CROSS JOIN (VALUES ('1d', 1), ('7d', 7), ('30d', 30), ('lifetime', 1000000)) AS windows ("window", days)
 GROUP BY id, name, layer, reason, "window"
