-- The 15 tasks of each window that used the most tokens for little (low_impact) or no known (unscored) impact, and the 5 of
-- each quest.
SELECT task_id, task_title AS task, quests.id AS quest_id, name AS quest, top.layer,
       CASE WHEN impact_score IS NULL THEN 'unscored' ELSE 'low_impact' END AS reason, "window",
       total_tokens::float8 AS resource_wasted_task_tokens,
       cost_usd::float8 AS resource_wasted_task_cost_usd
  FROM (VALUES ('1d', current_date), ('7d', current_date - 6), ('30d', current_date - 29), ('lifetime', '-infinity'::date))
       AS windows ("window", first)
 CROSS JOIN LATERAL (
    SELECT *, row_number() OVER (ORDER BY total_tokens DESC, task_id) AS place,
           row_number() OVER (PARTITION BY quest_id ORDER BY total_tokens DESC, task_id) AS place_in_quest
      FROM impact_ledger
     WHERE created_at >= first AND total_tokens > 1000 AND (impact_score IS NULL OR impact_score <= 0.5)
 ) AS top
  JOIN quests ON quests.id = top.quest_id
 WHERE place <= 15 OR place_in_quest <= 5
