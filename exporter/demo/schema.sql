-- The tables that the scidex profile reads.

CREATE TABLE quests (
    id    text PRIMARY KEY,
    name  text NOT NULL,
    layer text NOT NULL
);

CREATE TABLE quest_budget_allocations (
    quest_id      text    NOT NULL REFERENCES quests,
    day           date    NOT NULL,
    allocated_usd numeric NOT NULL,
    spent_usd     numeric NOT NULL DEFAULT 0,
    PRIMARY KEY (quest_id, day)
);
CREATE INDEX ON quest_budget_allocations (day);

-- No foreign keys: an entry must never be refused because its quest is missing.
CREATE TABLE cost_ledger (
    id            bigserial   PRIMARY KEY,
    created_at    timestamptz NOT NULL,
    task_id       text,
    quest_id      text,
    provider      text,
    model         text,
    input_tokens  bigint,
    output_tokens bigint,
    cost_usd      numeric
);
CREATE INDEX ON cost_ledger (created_at);

CREATE TABLE impact_ledger (
    id           bigserial   PRIMARY KEY,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    task_id      text        NOT NULL,
    quest_id     text,
    layer        text,
    task_title   text,
    total_tokens bigint      NOT NULL,
    cost_usd     numeric     NOT NULL,
    impact_score numeric
);
CREATE INDEX ON impact_ledger (created_at);
CREATE INDEX ON impact_ledger (updated_at);
