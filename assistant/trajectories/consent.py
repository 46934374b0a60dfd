"""Which trajectories researchers may see: the one place that says so, as SQL.

It stands in every statement that reads them, so consent holds whoever asks, page by page, and also
when it is withdrawn in the middle of a pull.
"""

from __future__ import annotations

# t: the trajectory, m: its message, c: the conversation, u: its owner. An answer that was stopped
# before its first word has tokens but no text; it is left out. So is a conversation that a reviewer
# blacked something out of: its tokens would say what its text does not.
_AGREED = """
    JOIN assistant_message m ON m.id = t.generation_id AND m.parts <> '[]'
                            AND m.deleted_at IS NULL
    JOIN assistant_conversation c ON c.id = m.conversation_id AND NOT c.is_temporary
                                 AND c.deleted_at IS NULL
                                 AND NOT EXISTS (SELECT FROM assistant_redaction x
                                      WHERE x.conversation_id = c.id AND NOT x.is_undone)
    JOIN assistant_user u ON u.id = c.owner_id AND u.research_consent
"""

# What an answer says: its text parts, joined by a line break; nearly all have a single one.
TEXT = """
    CASE WHEN jsonb_array_length({0}.parts) = 1 AND {0}.parts -> 0 ->> 'type' = 'text'
         THEN {0}.parts -> 0 ->> 'text'
         ELSE coalesce((SELECT string_agg(part ->> 'text', E'\\n' ORDER BY number)
                FROM jsonb_array_elements({0}.parts) WITH ORDINALITY AS bits (part, number)
               WHERE part ->> 'type' = 'text'), '') END
"""

# r: the release. To be gone on with by joins and a WHERE.
SHOWN = f"""
    FROM assistant_release r
    JOIN assistant_trajectory t ON t.generation_id = r.trajectory_id AND NOT r.is_tombstone
    {_AGREED}
    CROSS JOIN LATERAL (SELECT {TEXT.format("m")} AS text) AS said
"""

# All that may be seen, each with a digest of what about it may change: what stands of the feedback
# on it, and which updates learned from it.
CONSENTED = f"""
    SELECT t.generation_id AS id, t.created_at, '' AS redactions,
           md5(concat_ws(' ', said.ids, learned.ids)) AS state
      FROM assistant_trajectory t
      {_AGREED}
      LEFT JOIN (
            SELECT answer, string_agg(id::text, ',' ORDER BY id) AS ids
              FROM (SELECT message_id AS answer, id FROM assistant_feedback
                     WHERE revoked_at IS NULL
                     UNION ALL
                    SELECT over_id, id FROM assistant_feedback
                     WHERE revoked_at IS NULL AND over_id IS NOT NULL) AS standing
             GROUP BY answer
           ) AS said ON said.answer = t.generation_id
      LEFT JOIN (
            SELECT answer, string_agg(DISTINCT update_id::text, ',') AS ids
              FROM (SELECT j.answer_id AS answer, used.update_id
                      FROM learning_updatejudgement used
                      JOIN learning_judgement j ON j.id = used.judgement_id
                     UNION ALL
                    SELECT j.over_id, used.update_id
                      FROM learning_updatejudgement used
                      JOIN learning_judgement j ON j.id = used.judgement_id
                     WHERE j.over_id IS NOT NULL) AS used
             GROUP BY answer
           ) AS learned ON learned.answer = t.generation_id
"""
