-- The budget of each of the last 30 days, by layer.
SELECT day::text, layer, sum(allocated_usd)::float8 AS resource_day_allocation_usd
  FROM quest_budget_allocations JOIN quests ON id = quest_id
 WHERE day BETWEEN current_date - 29 AND current_date
 GROUP BY day, layer
