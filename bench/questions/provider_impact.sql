-- Impact and waste of each provider in each window: each task's, shared out by what the task paid its providers.
WITH paid AS (
    SELECT task_id, family, sum(usd)::float8 AS usd
      FROM (SELECT task_id, provider, sum(cost_usd) AS usd FROM cost_ledger WHERE cost_usd > 0 GROUP BY 1, 2) AS sums
      JOIN provider_families USING (provider)
     GROUP BY task_id, family
), shares AS (
    SELECT task_id, family, usd / sum(usd) OVER (PARTITION BY task_id) AS share FROM paid
), credits AS (
    SELECT coalesce(family, 'unknown') AS provider,
           CASE WHEN created_at >= current_date THEN 1
                WHEN created_at >= current_date - 6 THEN 7
                WHEN created_at >= current_date - 29 THEN 30 ELSE 1000000 END AS age,
           sum(impact_score::float8 * coalesce(share, 1)) AS impact,
           sum(cost_usd::float8 * coalesce(share, 1))
               FILTER (WHERE total_tokens > 1000 AND (impact_score IS NULL OR impact_score <= 0.5)) AS wasted
      FROM impact_ledger LEFT JOIN shares USING (task_id)
     GROUP BY 1, 2
)
SELECT provider, "window",
       CASE WHEN count(impact) > 0 THEN coalesce(sum(impact) FILTER (WHERE age <= days), 0) END
           AS resource_provider_impact_score,
       coalesce(sum(wasted) FILTER (WHERE age <= days), 0) AS resource_provider_wasted_usd
  FROM credits
 CROSS JOIN (VALUES ('1d', 1), ('7d', 7), ('30d', 30), ('lifetime', 1000000)) AS windows ("window", days)
 GROUP BY provider, "window"
