-- The 15 tasks of each window with the most impact per USD, and the 5 of each quest.
SELECT task_id, task_title AS task, quests.id AS quest_id, name AS quest, top.layer, "window",
       (impact_score / cost_usd)::float8 AS resource_top_task_impact_per_usd,
       impact_score::float8 AS resource_top_task_impact_score,
       cost_usd::float8 AS resource_top_task_cost_usd,
       total_tokens::float8 AS resource_top_task_tokens
  FROM (VALUES ('1d', current_date), ('7d', current_date - 6), ('30d', current_date - 29), ('lifetime', '-infinity'::date))
       AS windows ("window", first)
 CROSS JOIN LATERAL (
    SELECT *, row_number() OVER (ORDER BY impact_score / cost_usd DESC, task_id) AS place,
           row_number() OVER (PARTITION BY quest_id ORDER BY impact_score / cost_usd DESC, task_id) AS place_in_quest
      FROM impact_ledger WHERE created_at >= first AND cost_usd > 0 AND impact_score > 0
 ) AS top
  JOIN quests ON quests.id = top.quest_id
 WHERE place <= 15 OR place_in_quest <= 5
