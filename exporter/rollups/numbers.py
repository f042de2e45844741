"""The numbers of tasks, quests and models, by which entries are summed up."""

from collections.abc import Mapping

from duckdb import DuckDBPyConnection

# Nearly all names are short, and are not measured twice. A name that is cut keeps a digest, so that names stay apart.
_CLEAN = r"""
CREATE OR REPLACE TEMP MACRO printable(words) AS regexp_replace(coalesce(words, ''), '\p{Cc}', '', 'g');
CREATE OR REPLACE TEMP MACRO cut(words) AS
    CASE WHEN length(words) > 80 THEN left(words, 70) || '~' || left(md5(words), 8) || '…' ELSE words END;
CREATE OR REPLACE TEMP MACRO clean(words) AS
    CASE WHEN length(words) > 80 THEN cut(printable(words)) ELSE printable(words) END;
CREATE OR REPLACE TEMP MACRO without_digest(name) AS regexp_replace(name, '~[0-9a-f]{8}…$', '');
"""
# Entries are summed up by numbers, not by names. These tables remember the names that were looked up the last time, for most
# entries are of the same tasks and models: a look among all tasks takes longer than the rest.
_REMEMBERED = """
CREATE TEMP TABLE costs_tasks (task_id VARCHAR, task INTEGER, month DATE);
CREATE TEMP TABLE impacts_tasks (task_id VARCHAR, task INTEGER, month DATE);
CREATE TEMP TABLE model_keys (provider VARCHAR, model VARCHAR, model_key INTEGER);
"""
_UNKNOWN_MODELS = """
  FROM staged ANTI JOIN model_keys AS known
    ON known.provider IS NOT DISTINCT FROM staged.provider AND known.model IS NOT DISTINCT FROM staged.model
 WHERE rejection_reason IS NULL
"""
_QUEST = "coalesce(quest_id, 'unassigned')"
_UNSEEN = f"""
SELECT EXISTS (FROM staged WHERE rejection_reason IS NULL AND {_QUEST} NOT IN (SELECT quest_id FROM quests)),
       EXISTS (FROM staged ANTI JOIN {{ledger}}_tasks USING (task_id) WHERE task_id IS NOT NULL)
"""
_UNSEEN_MODEL = f", EXISTS ({_UNKNOWN_MODELS})"
# Among ten million tasks, a name is found thirty times faster by a digest: DuckDB filters numbers before it reads any text.
_UNSEEN_TASKS = """
CREATE OR REPLACE TEMP TABLE unseen AS
SELECT task_id, md5_number_lower(task_id) AS whole_digest, (whole_digest & 4294967295)::UINTEGER AS digest
  FROM (SELECT DISTINCT task_id FROM staged ANTI JOIN {ledger}_tasks USING (task_id) WHERE task_id IS NOT NULL)
"""
# A dropped task that comes back has its number and month again, and its name.
_TASK_KEYS = """
CREATE OR REPLACE TEMP TABLE found AS
SELECT task_id, digest, coalesce(tasks.task, dropped.task, nextval('keys'))::INTEGER AS task,
       coalesce(tasks.month, dropped.month) AS month, tasks.task IS NULL AS unnamed
  FROM unseen LEFT JOIN tasks USING (digest, task_id)
  LEFT JOIN (SELECT digest AS whole_digest, min(task) AS task, min(month) AS month
               FROM dropped_tasks WHERE digest IN (SELECT whole_digest FROM unseen) GROUP BY digest) AS dropped
 USING (whole_digest);
INSERT INTO tasks SELECT task, task_id, digest, month FROM found WHERE unnamed;
CREATE OR REPLACE TEMP TABLE {ledger}_tasks AS
FROM {ledger}_tasks SEMI JOIN staged USING (task_id) UNION ALL SELECT task_id, task, month FROM found;
"""
_UNSEEN_MODELS = f"""
CREATE OR REPLACE TEMP TABLE unseen AS
SELECT DISTINCT provider, model, clean(provider) AS clean_provider, clean(model) AS clean_model {_UNKNOWN_MODELS}
"""
_MODEL_KEYS = """
INSERT INTO models SELECT nextval('keys'), clean_provider, clean_model, NULL
  FROM (SELECT DISTINCT clean_provider, clean_model FROM unseen)
  ANTI JOIN models ON models.provider = clean_provider AND models.model = clean_model;
INSERT INTO model_keys SELECT unseen.provider, unseen.model, model_key
  FROM unseen JOIN models ON models.provider = clean_provider AND models.model = clean_model;
"""
_QUEST_KEYS = f"""
INSERT INTO quests SELECT nextval('keys'), quest_id
  FROM (SELECT DISTINCT {_QUEST} AS quest_id FROM staged WHERE rejection_reason IS NULL)
  ANTI JOIN quests USING (quest_id)
"""


_QUEST_JOIN = "LEFT JOIN quests ON quests.quest_id = coalesce(staged.quest_id, 'unassigned')"
NUMBERED: Mapping[str, str] = {
    "costs": f"""
SELECT staged.* EXCLUDE (task_id, quest_id, provider, model), task, quest, model_key
  FROM staged LEFT JOIN costs_tasks USING (task_id) {_QUEST_JOIN}
  LEFT JOIN model_keys AS known
    ON known.provider IS NOT DISTINCT FROM staged.provider AND known.model IS NOT DISTINCT FROM staged.model
""",
    "impacts": f"""
SELECT staged.* EXCLUDE (task_id, quest_id), task, quest FROM staged LEFT JOIN impacts_tasks USING (task_id) {_QUEST_JOIN}
""",
}
"""The rows of ``staged`` with numbers for names, once :func:`number` has given all of them one."""


def define(connection: DuckDBPyConnection) -> None:
    """Define how names are cleaned, and make the tables that remember numbers; they go with the connection."""
    connection.execute(_CLEAN)
    connection.execute(_REMEMBERED)


def number(connection: DuckDBPyConnection, ledger: str) -> None:
    """Give every name in ``staged`` a number: in ``quests``, in ``<ledger>_tasks``, and of costs in ``model_keys``."""
    models = _UNSEEN_MODEL if ledger == "costs" else ", false"
    [(quests, tasks, unseen_models)] = connection.execute(_UNSEEN.format(ledger=ledger) + models).fetchall()
    if quests:
        number_quests(connection)
    if tasks:
        connection.execute(_UNSEEN_TASKS.format(ledger=ledger))
        connection.execute(_TASK_KEYS.format(ledger=ledger))
    if unseen_models:
        connection.execute(_UNSEEN_MODELS)
        connection.execute(_MODEL_KEYS)


def number_quests(connection: DuckDBPyConnection) -> None:
    """Give every quest in ``staged`` a number."""
    connection.execute(_QUEST_KEYS)
