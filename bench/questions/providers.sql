-- Spend, calls and tokens of each provider in each window.
WITH sums AS (
    SELECT provider, sum(cost_usd) AS usd, count(*) AS calls, count(*) - count(cost_usd) AS unpriced,
           sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
           CASE WHEN created_at >= current_date THEN 1
                WHEN created_at >= current_date - 6 THEN 7
                WHEN created_at >= current_date - 29 THEN 30 ELSE 1000000 END AS age
      FROM cost_ledger GROUP BY provider, age
)
SELECT family AS provider, "window",
       coalesce(sum(usd) FILTER (WHERE age <= days), 0)::float8 AS resource_provider_spend_usd,
       coalesce(sum(calls) FILTER (WHERE age <= days), 0)::float8 AS resource_provider_calls,
       coalesce(sum(unpriced) FILTER (WHERE age <= days), 0)::float8 AS resource_provider_unpriced_calls,
       coalesce(sum(input_tokens) FILTER (WHERE age <= days), 0)::float8 AS resource_provider_tokens__input,
       coalesce(sum(output_tokens) FILTER (WHERE age <= days), 0)::float8 AS resource_provider_tokens__output
  FROM sums JOIN provider_families USING (provider)
 CROSS JOIN (VALUES ('1d', 1), ('7d', 7), ('30d', 30), ('lifetime', 1000000)) AS windows ("window", days)
 GROUP BY family, "window"
