-- What may each quest spend in the period that holds today, what has it spent, and when does the period end?
SELECT id AS quest_id, name AS quest, layer, 'day' AS period,
       allocated_usd::float8 AS resource_quest_budget_usd,
       coalesce(usd, 0)::float8 AS resource_quest_budget_spend_usd,
       extract(epoch FROM (current_date + 1)::timestamptz)::float8 AS resource_quest_budget_end_timestamp_seconds
  FROM quest_budget_allocations JOIN quests ON id = quest_id
  LEFT JOIN (SELECT quest_id, sum(cost_usd) AS usd FROM cost_ledger
              WHERE created_at >= current_date AND created_at < current_date + 1 GROUP BY quest_id) AS spent USING (quest_id)
 WHERE day = current_date AND allocated_usd IS NOT NULL
