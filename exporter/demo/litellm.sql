-- The tables of a LiteLLM proxy that docs/litellm.md speaks of: its names and types, and of other columns only those that must not be read.

CREATE TABLE "LiteLLM_BudgetTable" (
    budget_id       text PRIMARY KEY,
    max_budget      double precision,
    soft_budget     double precision,
    budget_duration text,
    budget_reset_at timestamp(3),
    created_at      timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE "LiteLLM_OrganizationTable" (
    organization_id    text PRIMARY KEY,
    organization_alias text NOT NULL,
    budget_id          text NOT NULL,
    spend              double precision NOT NULL DEFAULT 0,
    created_at         timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE "LiteLLM_TeamTable" (
    team_id         text PRIMARY KEY,
    team_alias      text,
    organization_id text,
    max_budget      double precision,
    soft_budget     double precision,
    spend           double precision NOT NULL DEFAULT 0,
    budget_duration text,
    budget_reset_at timestamp(3),
    blocked         boolean NOT NULL DEFAULT false,
    created_at      timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at      timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE "LiteLLM_DeletedTeamTable" (
    id              text PRIMARY KEY,
    team_id         text NOT NULL,
    team_alias      text,
    organization_id text,
    max_budget      double precision,
    spend           double precision NOT NULL DEFAULT 0,
    budget_duration text,
    budget_reset_at timestamp(3),
    created_at      timestamp(3),
    deleted_at      timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE "LiteLLM_VerificationToken" (
    token           text PRIMARY KEY,
    key_name        text,
    key_alias       text,
    spend           double precision NOT NULL DEFAULT 0,
    user_id         text,
    team_id         text,
    organization_id text,
    max_budget      double precision,
    budget_duration text,
    budget_reset_at timestamp(3),
    budget_id       text,
    created_at      timestamp(3) DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE "LiteLLM_UserTable" (
    user_id         text PRIMARY KEY,
    user_alias      text,
    user_email      text,
    spend           double precision NOT NULL DEFAULT 0,
    max_budget      double precision,
    budget_duration text,
    budget_reset_at timestamp(3),
    created_at      timestamp(3) DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE "LiteLLM_EndUserTable" (
    user_id   text PRIMARY KEY,
    alias     text,
    spend     double precision NOT NULL DEFAULT 0,
    budget_id text,
    blocked   boolean NOT NULL DEFAULT false
);

CREATE TABLE "LiteLLM_TagTable" (
    tag_name   text PRIMARY KEY,
    spend      double precision NOT NULL DEFAULT 0,
    budget_id  text,
    created_at timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE "LiteLLM_SpendLogs" (
    request_id           text PRIMARY KEY,
    call_type            text NOT NULL,
    api_key              text NOT NULL DEFAULT '',
    spend                double precision NOT NULL DEFAULT 0,
    total_tokens         integer NOT NULL DEFAULT 0,
    prompt_tokens        integer NOT NULL DEFAULT 0,
    completion_tokens    integer NOT NULL DEFAULT 0,
    "startTime"          timestamp(3) NOT NULL,
    "endTime"            timestamp(3) NOT NULL,
    model                text NOT NULL DEFAULT '',
    model_id             text DEFAULT '',
    model_group          text DEFAULT '',
    custom_llm_provider  text DEFAULT '',
    "user"               text DEFAULT '',
    metadata             jsonb DEFAULT '{}',
    cache_hit            text DEFAULT '',
    request_tags         jsonb DEFAULT '[]',
    team_id              text,
    organization_id      text,
    end_user             text,
    session_id           text,
    status               text,
    agent_id             text,
    litellm_call_id      text,
    request_duration_ms  integer,
    created_at           timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at           timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    messages             jsonb DEFAULT '{}',
    response             jsonb DEFAULT '{}',
    proxy_server_request jsonb DEFAULT '{}'
);
CREATE INDEX ON "LiteLLM_SpendLogs" ("startTime");
CREATE INDEX ON "LiteLLM_SpendLogs" ("startTime", request_id);
CREATE INDEX ON "LiteLLM_SpendLogs" (end_user);
CREATE INDEX ON "LiteLLM_SpendLogs" (session_id);
CREATE INDEX ON "LiteLLM_SpendLogs" (api_key, "startTime");
CREATE INDEX ON "LiteLLM_SpendLogs" (litellm_call_id);

CREATE TABLE "LiteLLM_DailyTeamSpend" (
    id                  text PRIMARY KEY,
    team_id             text,
    date                text NOT NULL,
    api_key             text NOT NULL,
    model               text,
    custom_llm_provider text,
    prompt_tokens       bigint NOT NULL DEFAULT 0,
    completion_tokens   bigint NOT NULL DEFAULT 0,
    spend               double precision NOT NULL DEFAULT 0,
    api_requests        bigint NOT NULL DEFAULT 0,
    successful_requests bigint NOT NULL DEFAULT 0,
    failed_requests     bigint NOT NULL DEFAULT 0
);
CREATE INDEX ON "LiteLLM_DailyTeamSpend" (date);
