CREATE INDEX ON cost_ledger (created_at);
CREATE INDEX ON impact_ledger (created_at);
CREATE INDEX ON impact_ledger (updated_at);

-- What a careful user reads who does without the past: the same questions, over the last 30 days.
CREATE SCHEMA last_30_days;
CREATE VIEW last_30_days.cost_ledger AS SELECT * FROM public.cost_ledger WHERE created_at >= current_date - 29;
CREATE VIEW last_30_days.impact_ledger AS SELECT * FROM public.impact_ledger WHERE created_at >= current_date - 29;
GRANT USAGE ON SCHEMA last_30_days TO public;
GRANT SELECT ON ALL TABLES IN SCHEMA public, last_30_days TO public;
