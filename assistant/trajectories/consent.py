"""Which trajectories researchers may see: the one place that says so, as SQL.

It stands in every statement that reads them, so consent holds whoever asks, page by page, and also
when it is withdrawn in the middle of a pull. The words that reviewers blacked out are taken out
here too, before any format sees the texts.
"""

from __future__ import annotations

# whole: the trajectory, m: its message, c: the conversation, u: its owner. An answer that was
# stopped before its first word has tokens but no text; it is left out.
AGREED = """
    JOIN assistant_message m ON m.id = whole.generation_id AND m.parts <> '[]'
                            AND m.deleted_at IS NULL
    JOIN assistant_conversation c ON c.id = m.conversation_id AND NOT c.is_temporary
                                 AND c.deleted_at IS NULL
    JOIN assistant_user u ON u.id = c.owner_id AND u.research_consent
"""

# What reviewers blacked out, by conversation; the longest first, since it may contain the others.
_REDACTED = """
    SELECT conversation_id, array_agg(words ORDER BY length(words) DESC, words) AS words
      FROM (SELECT DISTINCT conversation_id, words FROM assistant_redaction
             WHERE NOT is_undone) AS each GROUP BY conversation_id
"""


def hidden(text: str, words: str = "hidden.words") -> str:
    """An expression for a text without the redacted words; nearly always there are none."""
    return f"CASE WHEN {words} IS NULL THEN {text} ELSE danas_hidden({text}, {words}) END"


def redacted_in(conversation: str) -> str:
    """An expression for the words that were blacked out of another conversation."""
    return f"(SELECT words FROM ({_REDACTED}) AS r WHERE r.conversation_id = {conversation})"


# What an answer says: its text parts, joined by a line break; nearly all have a single one.
TEXT = """
    CASE WHEN jsonb_array_length({0}.parts) = 1 AND {0}.parts -> 0 ->> 'type' = 'text'
         THEN {0}.parts -> 0 ->> 'text'
         ELSE coalesce((SELECT string_agg(part ->> 'text', E'\\n' ORDER BY number)
                FROM jsonb_array_elements({0}.parts) WITH ORDINALITY AS bits (part, number)
               WHERE part ->> 'type' = 'text'), '') END
"""


# Of the feedback f, the sibling that a preference rejects. It lies in another conversation where it
# came from another request, so whether it may be seen is a question of its own.
SIBLING = """
    assistant_message sibling
      JOIN assistant_conversation place ON place.id = sibling.conversation_id
       AND place.owner_id = f.person_id AND NOT place.is_temporary AND place.deleted_at IS NULL
     WHERE sibling.id = f.over_id AND sibling.deleted_at IS NULL
"""


def _unless_redacted(column: str) -> str:
    return f"CASE WHEN hidden.words IS NULL THEN whole.{column} ELSE '{{}}' END AS {column}"


# A dialogue of nothing but texts: no pictures, thoughts or calls in it.
PLAIN = """(NOT jsonb_path_exists(
    whole.messages, '$[*].keyvalue() ? (@.key != "role" && @.key != "content")'))"""

# r: the release, t: what may be seen of the trajectory. To be gone on with by joins and a WHERE.
# What words were taken out of has no tokens, which would still say them; their number is no secret.
SHOWN = f"""
    FROM assistant_release r
    JOIN assistant_trajectory whole ON whole.generation_id = r.trajectory_id AND NOT r.is_tombstone
    {AGREED}
    LEFT JOIN ({_REDACTED}) AS hidden ON hidden.conversation_id = c.id
    CROSS JOIN LATERAL (SELECT
        whole.created_at, whole.policy, whole.digest, whole.base_model, whole.sampling,
        whole.finish_reason, whole.queued_ms, whole.first_token_ms, whole.total_ms,
        cardinality(whole.prompt_token_ids) AS prompt_tokens,
        cardinality(whole.sampled_token_ids) AS sampled_tokens,
        CASE WHEN {PLAIN} THEN whole.messages ELSE danas_said(whole.messages) END AS whole_said,
        {PLAIN} AS is_plain,
        CASE WHEN hidden.words IS NULL THEN whole.messages ELSE '[]' END AS turns,
        CASE WHEN hidden.words IS NULL THEN whole.asked ELSE '{{}}' END AS asked,
        CASE WHEN hidden.words IS NULL THEN whole.earlier ELSE '[]' END AS earlier,
        CASE WHEN hidden.words IS NULL THEN whole.spans ELSE '[]' END AS spans,
        {_unless_redacted("prompt_token_ids")},
        {_unless_redacted("sampled_token_ids")},
        {_unless_redacted("logprobs")}
    ) AS seen
    CROSS JOIN LATERAL (SELECT seen.*,
        CASE WHEN hidden.words IS NULL THEN seen.whole_said
             ELSE danas_hidden_turns(seen.whole_said, hidden.words) END AS messages
    ) AS t
    CROSS JOIN LATERAL (SELECT {TEXT.format("m")} AS text) AS spoken
    CROSS JOIN LATERAL (SELECT {hidden("spoken.text")} AS text) AS said
"""

# All that may be seen, each with digests of what about it may change: what stands of the feedback
# on it, which updates (of which names) learned from it, and what was blacked out of its
# conversation and of those of the answers that it is compared with.
CONSENTED = f"""
    WITH redacted AS MATERIALIZED (
        SELECT conversation_id, md5(array_to_string(words, E'\x01')) AS digest
          FROM ({_REDACTED}) AS each
    )
    SELECT whole.generation_id AS id, whole.created_at,
           coalesce(md5(nullif(concat_ws(' ', here.digest, beside.digests), '')), '') AS redactions,
           md5(concat_ws(' ', said.ids, learned.ids, here.digest, beside.digests)) AS state
      FROM assistant_trajectory whole
      {AGREED}
      LEFT JOIN redacted here ON here.conversation_id = c.id
      LEFT JOIN (
            SELECT f.message_id AS answer,
                   string_agg(redacted.digest, ',' ORDER BY redacted.digest) AS digests
              FROM assistant_feedback f
              JOIN assistant_message sibling ON sibling.id = f.over_id
              JOIN redacted ON redacted.conversation_id = sibling.conversation_id
             WHERE f.revoked_at IS NULL
             GROUP BY f.message_id
           ) AS beside ON beside.answer = whole.generation_id
      LEFT JOIN (
            SELECT answer, string_agg(id::text, ',' ORDER BY id) AS ids
              FROM (SELECT f.message_id AS answer, f.id FROM assistant_feedback f
                     WHERE f.revoked_at IS NULL
                       AND (f.over_id IS NULL OR EXISTS (SELECT FROM {SIBLING}))
                     UNION ALL
                    SELECT over_id, id FROM assistant_feedback
                     WHERE revoked_at IS NULL AND over_id IS NOT NULL) AS standing
             GROUP BY answer
           ) AS said ON said.answer = whole.generation_id
      LEFT JOIN (
            SELECT answer, string_agg(DISTINCT up.id || up.policy, ',') AS ids
              FROM (SELECT j.answer_id AS answer, used.update_id
                      FROM learning_updatejudgement used
                      JOIN learning_judgement j ON j.id = used.judgement_id
                     UNION ALL
                    SELECT j.over_id, used.update_id
                      FROM learning_updatejudgement used
                      JOIN learning_judgement j ON j.id = used.judgement_id
                     WHERE j.over_id IS NOT NULL) AS used
              JOIN learning_update up ON up.id = used.update_id
             GROUP BY answer
           ) AS learned ON learned.answer = whole.generation_id
"""
