-- The tasks from :start up to :stop, whose calls lie side by side. A task is judged once, some minutes after its last call, so not
-- while it is under way; 3 in 100 are never scored.
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, task_title, total_tokens, cost_usd, impact_score)
SELECT judged_at, judged_at, task_id, quest_id, layer, 'Task ' || right(task_id, 9), tokens, usd,
       CASE WHEN pg_temp.draw(task, 6) >= 0.03 THEN round((3 * pg_temp.draw(task, 7))::numeric, 3) END
  FROM (SELECT task_id, right(task_id, 9)::bigint AS task, max(quest_id) AS quest_id,
               max(created_at) + interval '10 minutes' AS judged_at,
               sum(input_tokens + output_tokens) AS tokens, sum(cost_usd) AS usd
          FROM cost_ledger
         WHERE id > 10 * (:start::bigint - :tasks) AND id <= 10 * :stop::bigint
           AND task_id >= 'task-' || lpad(:start::text, 9, '0') AND task_id < 'task-' || lpad(:stop::text, 9, '0')
         GROUP BY task_id) AS tasks
  JOIN quests ON id = quest_id
 WHERE judged_at <= now()
 ORDER BY judged_at, task_id;
