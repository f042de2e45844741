-- A call belongs at random to one of the tasks that are under way, which change one by one within about three hours: that makes
-- ten calls per task. A task has one quest, quests of low numbers have many tasks, and each quest uses six of the 36 models, of
-- one or two providers.
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd)
SELECT created_at, 'task-' || lpad(task::text, 9, '0'), 'quest-' || lpad(quest::text, 3, '0'),
       (ARRAY['minimax', 'openai-codex', 'aws-bedrock', 'zhipu', 'mistral', 'deepseek'])[1 + model / 6],
       'model-' || lpad(model::text, 2, '0'), input_tokens, output_tokens,
       round(((input_tokens + 4 * output_tokens) * (0.2 + model % 6) / 1000000)::numeric, 6)
  FROM (SELECT pg_temp.at(:end - (:rows - call)::float8 / :rate) AS created_at, task, quest,
               (quest * 5 + floor(6 * pg_temp.draw(call, 3))::int) % 36 AS model,
               (300 + 6000 * pg_temp.draw(call, 4) ^ 2)::bigint AS input_tokens,
               (20 + 1500 * pg_temp.draw(call, 5) ^ 3)::bigint AS output_tokens
          FROM (SELECT call, task, floor(60 * pg_temp.draw(task, 2) ^ 2)::int AS quest
                  FROM (SELECT call, call / 10 + floor(:tasks * pg_temp.draw(call, 1))::bigint AS task
                          FROM generate_series(:first::bigint, :last) AS call) AS calls) AS tasks) AS entries;
