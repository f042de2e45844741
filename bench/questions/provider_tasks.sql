-- The distinct tasks that called each provider in each window.
WITH called AS (
    SELECT family, task_id, max(last_call) AS last_call
      FROM (SELECT provider, task_id, max(created_at) AS last_call FROM cost_ledger GROUP BY provider, task_id) AS calls
      JOIN provider_families USING (provider)
     GROUP BY family, task_id
), counts AS (
    SELECT family, count(*) AS lifetime,
           count(*) FILTER (WHERE last_call >= current_date) AS d1,
           count(*) FILTER (WHERE last_call >= current_date - 6) AS d7,
           count(*) FILTER (WHERE last_call >= current_date - 29) AS d30
      FROM called GROUP BY family
)
SELECT family AS provider, "window", tasks::float8 AS resource_provider_tasks
  FROM counts
 CROSS JOIN LATERAL (VALUES ('1d', d1), ('7d', d7), ('30d', d30), ('lifetime', lifetime)) AS windows ("window", tasks)
