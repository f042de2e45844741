-- Rows of a LiteLLM proxy with all that is hostile about them, up to the UTC time in the setting test.now.

INSERT INTO "LiteLLM_BudgetTable" VALUES
    ('monthly', 90, NULL, '30d', NULL, '2025-01-01'), ('weekly', 20, NULL, '7d', NULL, '2025-01-01'), ('free', NULL, 5, NULL, NULL, '2025-01-01');
INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, created_at) VALUES
    ('o1', 'Engineering', 'monthly', '2025-02-03'), ('o2', E'Field\nOffices', 'free', '2025-02-03');

ALTER TABLE "LiteLLM_TeamTable" ALTER created_at DROP NOT NULL;
INSERT INTO "LiteLLM_TeamTable" (team_id, team_alias, organization_id, max_budget, budget_duration, created_at) VALUES
    ('t-30d', 'Research', 'o1', 100, '30d', '2025-03-07 23:30'),
    ('t-1mo', 'Research', 'o1', 55.5, '1mo', '2025-03-07'),
    ('t-7d', '', 'o2', 25, '7d', '2025-03-07'),
    ('t-1d', E'Night\r\nshift', 'o2', 3, '1d', '2025-03-07'),
    ('t-24h', repeat('long ', 20), 'o-deleted', 4, '24h', '2025-03-07'),
    ('t-2w', 'Fortnight', NULL, 30, '2w', '2025-03-07'),
    ('t-45d', 'Forty-five', '', 60, '45d', '2025-03-07'),
    ('t-90d', 'No reset noted', 'o1', 70, '90d', '2024-01-17'),
    ('t-1h', 'Hourly', 'o1', 1, '1h', '2025-03-07'),
    ('t-36h', 'A day and a half', 'o1', 1, '36h', '2025-03-07'),
    ('t-None', 'Text None', 'o1', 200, 'None', '2025-03-07'),
    ('t-weekly', 'In words', 'o1', 40, 'weekly', '2025-03-07'),
    ('t-zero', 'Nothing allowed', 'o1', 0, '30d', '2025-03-07'),
    ('t-open', 'Never resets', 'o1', 500, NULL, '2025-03-07'),
    ('t-unlimited', NULL, NULL, NULL, '30d', '2025-03-07'),
    ('t-undated', 'Older than its table', NULL, 80, NULL, NULL);
UPDATE "LiteLLM_TeamTable" SET budget_reset_at = date_trunc('day', current_setting('test.now')::timestamp) + interval '5 days'
 WHERE team_id IN ('t-2w', 't-45d');
-- Of an old version, which reset budgets of 30 days so long after they were made.
UPDATE "LiteLLM_TeamTable" SET budget_reset_at = current_setting('test.now')::timestamp + interval '11 days' WHERE team_id = 't-30d';
INSERT INTO "LiteLLM_DeletedTeamTable" (id, team_id, team_alias, organization_id, max_budget, budget_duration) VALUES
    ('d1', 't-gone', 'Gone', 'o1', 10, '30d'), ('d2', 't-gone', 'Gone', 'o1', 10, '30d'), ('d3', 't-30d', 'Before it was made again', 'o2', 1, '1d');

INSERT INTO "LiteLLM_VerificationToken" (token, key_name, key_alias, team_id, max_budget, budget_duration, budget_id, created_at) VALUES
    ('k0', 'sk-...aaaa', 'ci', 't-30d', 12, '30d', NULL, NULL),
    ('k1', 'sk-...bbbb', NULL, 't-7d', NULL, NULL, 'weekly', '2025-03-07'),
    ('k2', 'sk-...cccc', 'ci', NULL, 9, NULL, NULL, '2025-03-07');
INSERT INTO "LiteLLM_UserTable" (user_id, user_alias, user_email, max_budget, budget_duration, created_at) VALUES
    ('u0', NULL, 'ada@example.org', 15, '7d', '2025-03-07'), ('u1', 'Bob', NULL, NULL, NULL, NULL);
INSERT INTO "LiteLLM_EndUserTable" (user_id, alias, budget_id) VALUES ('e0', 'Acme', 'monthly'), ('e1', NULL, 'free'), ('e2', '', NULL);
INSERT INTO "LiteLLM_TagTable" (tag_name, budget_id) VALUES ('prod', 'weekly'), ('batch', NULL);

INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, api_key, spend, prompt_tokens, completion_tokens, total_tokens, "startTime", "endTime",
                                 model, custom_llm_provider, "user", metadata, cache_hit, request_tags, team_id, organization_id,
                                 end_user, session_id, status, messages, response)
SELECT CASE WHEN kind = 'cached' THEN md5(n::text) || '_cache_hit' || n ELSE 'chatcmpl-' || md5(n::text) END,
       'acompletion', 'k' || n % 4, CASE kind WHEN 'paid' THEN n % 97 / 1000.0 + 1e-7 ELSE 0 END,
       CASE kind WHEN 'failed' THEN 0 ELSE n % 500 * 10 END, CASE kind WHEN 'failed' THEN 0 ELSE n % 90 END,
       CASE kind WHEN 'failed' THEN 0 ELSE n % 500 * 10 + n % 90 END,
       started, started + CASE kind WHEN 'failed' THEN 0 ELSE 1 END * interval '41 seconds',
       (ARRAY['gpt-5', 'azure/gpt-5', 'claude-sonnet-4-5', 'gemini-3-pro', ''])[1 + n % 5],
       (ARRAY['openai', 'azure', 'anthropic', 'vertex_ai', NULL])[1 + n % 5],
       CASE n % 4 WHEN 0 THEN 'u0' WHEN 1 THEN 'u1' WHEN 2 THEN '' ELSE 'default_user_id' END,
       CASE n % 6 WHEN 0 THEN '{"spend_logs_metadata": {"score": 0.75}}' WHEN 1 THEN '{"spend_logs_metadata": {"score": "7e1"}}'
                  WHEN 2 THEN '{"spend_logs_metadata": {"score": "good"}}' WHEN 3 THEN '{"spend_logs_metadata": null}'
                  WHEN 4 THEN '{"spend_logs_metadata": {"score": {"value": 1}}}' ELSE NULL END::jsonb,
       CASE kind WHEN 'cached' THEN 'True' WHEN 'failed' THEN 'None' ELSE 'False' END,
       CASE n % 5 WHEN 0 THEN '["prod", "batch"]' WHEN 1 THEN '["prod"]' WHEN 2 THEN '[]' WHEN 3 THEN '{}' ELSE NULL END::jsonb,
       team, (ARRAY['o1', 'o2', ''])[1 + n % 3], (ARRAY['e0', 'e1', '', NULL])[1 + n % 4],
       CASE WHEN n % 3 = 0 THEN 'session-' || n / 30 WHEN n > 1100 THEN NULL WHEN n % 50 = 1 THEN '' ELSE md5('s' || n)::uuid::text END,
       CASE WHEN n > 1000 THEN NULL WHEN kind = 'failed' THEN 'failure' ELSE 'success' END, '{"secret": "prompt"}', '{"secret": "answer"}'
  FROM (SELECT n, current_setting('test.now')::timestamp - n * n * interval '2.3 seconds' AS started,
               CASE WHEN n % 11 = 0 THEN 'failed' WHEN n % 7 = 0 THEN 'cached' ELSE 'paid' END AS kind,
               CASE WHEN n > 1150 THEN NULL
                    ELSE (ARRAY['t-30d', 't-1mo', 't-7d', 't-1d', 't-24h', 't-2w', 't-45d', 't-90d', 't-1h', 't-36h', 't-None', 't-weekly', 't-zero',
                                't-open', 't-unlimited', 't-undated', 't-gone', 't-unknown', ''])[1 + n % 19] END AS team
          FROM generate_series(1, 1200) AS n) AS made;
