-- Who may spend how much today?
SELECT id AS quest_id, name AS quest, layer,
       allocated_usd::float8 AS resource_quest_allocation_usd,
       spent_usd::float8 AS resource_quest_reported_spend_usd
  FROM quest_budget_allocations JOIN quests ON id = quest_id
 WHERE day = current_date
