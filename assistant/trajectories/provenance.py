"""What was learned from a trajectory: by which versions, and where the ledger says so.

SQL that is joined to `consent.SHOWN`, for the page of rows that is read.
An answer counts as learned from where it, or its being preferred, was judged.
"""

from __future__ import annotations

from assistant.trajectories.columns import INT, STRING, Type
from assistant.trajectories.consent import hidden

# A version, its weights, and the digest of the ledger's entry that says it was trained, empty where
# there is none.
POLICY: Type = {"policy": STRING, "policy_sha256": STRING, "ledger": STRING}
# `use`, `reward_version`, and the digest of the entry that says so.
FEEDBACK: Type = {
    "id": STRING,
    "kind": STRING,
    "text": STRING,
    "over": STRING,
    "tags": [STRING],
    "created_at": STRING,
    "use": STRING,
    "reward_version": INT,
    "ledger": STRING,
}

# The last entry counts where there are several.
_ENTRY = """
    LEFT JOIN LATERAL (
        SELECT e.digest, e.body FROM learning_ledgerentry e
         WHERE e.subject = {subject} AND e.kind = '{kind}' ORDER BY e.seq DESC LIMIT 1
    ) AS entry ON true
"""
UPDATES_OF = """
    SELECT DISTINCT up.id, up.policy
      FROM learning_judgement j
      JOIN learning_updatejudgement used ON used.judgement_id = j.id
      JOIN learning_update up ON up.id = used.update_id
     WHERE j.answer_id = m.id OR j.over_id = m.id
"""
LEARNED = f"""
    LEFT JOIN LATERAL (
        SELECT array_agg(up.id::text ORDER BY up.id::text) AS updates,
               json_agg(json_build_object(
                   'policy', up.policy,
                   'policy_sha256', coalesce(entry.body ->> 'digest', ''),
                   'ledger', coalesce(entry.digest, '')
               ) ORDER BY up.policy) FILTER (WHERE up.policy <> '') AS policies
          FROM ({UPDATES_OF}) AS up {_ENTRY.format(subject="up.policy", kind="trained")}
    ) AS learned ON true
"""
JUDGED = f"""
    LEFT JOIN LATERAL (
        SELECT json_agg(json_build_object(
                   'id', f.id, 'kind', f.kind, 'text', {hidden("f.text")}, 'over', f.over_id,
                   'tags', f.tags, 'created_at', f.created_at,
                   'use', coalesce(j.use, 'stored'), 'reward_version', j.version,
                   'ledger', coalesce(entry.digest, '')
               ) ORDER BY f.created_at) AS feedback
          FROM assistant_feedback f
          LEFT JOIN learning_judgement j ON j.feedback = f.id
               {_ENTRY.format(subject="f.id::text", kind="judged")}
         WHERE f.message_id = m.id AND f.revoked_at IS NULL
    ) AS judged ON true
"""
