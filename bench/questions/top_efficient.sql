-- The 15 tasks of each window with the most impact per USD.
SELECT task_id, task_title AS task, quests.id AS quest_id, name AS quest, top.layer, "window",
       (impact_score / cost_usd)::float8 AS resource_top_task_impact_per_usd,
       impact_score::float8 AS resource_top_task_impact_score,
       cost_usd::float8 AS resource_top_task_cost_usd,
       total_tokens::float8 AS resource_top_task_tokens
  FROM (VALUES ('1d', current_date), ('7d', current_date - 6), ('30d', current_date - 29), ('lifetime', '-infinity'::date))
       AS windows ("window", first)
 CROSS JOIN LATERAL (
    SELECT * FROM impact_ledger WHERE created_at >= first AND cost_usd > 0 AND impact_score > 0
     ORDER BY impact_score / cost_usd DESC, task_id LIMIT 15
 ) AS top
  JOIN quests ON quests.id = top.quest_id
