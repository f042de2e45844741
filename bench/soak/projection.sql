-- Today's projected spend as of {moment}. It is not in bench/questions because it depends on the moment.
WITH clock AS (
    SELECT at, date_trunc('day', at) AS today, extract(hour FROM at) AS hour,
           extract(epoch FROM at - date_trunc('day', at)) / 86400 AS elapsed,
           extract(epoch FROM date_trunc('second', at) - date_trunc('hour', at)) / 3600 AS part
      FROM (SELECT timestamptz '{moment}' AS at) AS moment
), course AS (
    SELECT sum(cost_usd) AS usd,
           sum(CASE WHEN extract(hour FROM created_at) < hour THEN cost_usd
                    WHEN extract(hour FROM created_at) = hour THEN cost_usd * part ELSE 0 END) AS reached
      FROM cost_ledger, clock WHERE created_at >= today - interval '28 days' AND created_at < today AND cost_usd > 0
), share AS (
    SELECT CASE WHEN (SELECT min(created_at) FROM cost_ledger) < today - interval '6 days' AND usd > 0 AND reached / usd >= 0.02
                THEN reached / usd ELSE elapsed END AS reached
      FROM clock, course
)
SELECT quests.id AS quest_id, name AS quest, layer,
       greatest(coalesce(sum(cost_usd), 0) / reached, coalesce(sum(cost_usd), 0))::float8 AS resource_quest_projected_spend_usd
  FROM quests CROSS JOIN clock CROSS JOIN share
  LEFT JOIN cost_ledger ON quest_id = quests.id AND created_at >= today
 WHERE at >= today + interval '30 minutes'
 GROUP BY quests.id, name, layer, reached
