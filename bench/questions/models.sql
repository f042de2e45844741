-- Spend of each model in each window.
WITH sums AS (
    SELECT provider, model, sum(cost_usd) AS lifetime,
           sum(cost_usd) FILTER (WHERE created_at >= current_date) AS d1,
           sum(cost_usd) FILTER (WHERE created_at >= current_date - 6) AS d7,
           sum(cost_usd) FILTER (WHERE created_at >= current_date - 29) AS d30
      FROM cost_ledger GROUP BY provider, model
)
SELECT family AS provider, model, "window", coalesce(sum(usd), 0)::float8 AS resource_model_spend_usd
  FROM sums JOIN provider_families USING (provider)
 CROSS JOIN LATERAL (VALUES ('1d', d1), ('7d', d7), ('30d', d30), ('lifetime', lifetime)) AS windows ("window", usd)
 GROUP BY family, model, "window"
