-- The spend of each of the last 30 days, by layer; a day without spend is 0.
WITH spent AS (
    SELECT created_at::date AS day, quest_id, sum(cost_usd) AS usd
      FROM cost_ledger WHERE created_at >= current_date - 29 GROUP BY 1, 2
)
SELECT days.day::date::text AS day, layer, coalesce(sum(usd), 0)::float8 AS resource_day_spend_usd
  FROM generate_series(current_date - 29, current_date, interval '1 day') AS days (day)
 CROSS JOIN quests
  LEFT JOIN spent ON spent.day = days.day AND quest_id = id
 GROUP BY days.day, layer
