"""The formats that researchers' tools read, as columns that PostgreSQL builds lines from.

native     everything that was logged, token by token, and what was learned from it by now; `turns`
           and `tools` are JSON, empty where a dialogue was nothing but texts
openai     OpenAI's fine-tuning rows: the whole exchange as messages
sharegpt   the same as `conversations` of `from` (system, human, gpt) and `value`
atif       Harbor's Agent Trajectory Interchange Format, version 1.4, beside the feed's four keys
trl-sft    TRL's conversational prompt and completion; a correction takes the answer's place
trl-kto    TRL's unpaired preferences: answers with a thumb
trl-dpo    TRL's pairs: a correction over its answer, a chosen sibling over the rejected one

All but the native one hold dialogues of texts: one with pictures, thoughts or tool calls in it is
left out of them. Every row of a format has every key. The SQL uses the aliases of `consent.SHOWN`:
r the release, t the trajectory, m the answer's message, c its conversation, u its owner,
`said.text` what it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.trajectories import consent, provenance, pseudonyms
from assistant.trajectories.columns import BOOL, FLOAT, INT, MESSAGE, STRING, Column, Type

ATIF_VERSION = "ATIF-v1.4"
AGENT_VERSION = "1"

ANSWER = "json_build_array(json_build_object('role', 'assistant', 'content', {}))"
# What still stands of what was said of the answer; a preference needs the sibling it rejects.
STANDING = "f.message_id = m.id AND f.revoked_at IS NULL"

PERSON = Column("person", STRING, pseudonyms.sql("person", "c.owner_id"))
CONSENT = Column("consent_version", STRING, "coalesce(to_json(u.consent_changed_at) #>> '{}', '')")
UPDATES = Column("used_in_updates", [STRING], "coalesce(to_json(learned.updates), '[]')")
POLICY = [
    Column("policy", STRING, "t.policy"),
    Column("policy_sha256", STRING, "t.digest"),
    Column("base_model", STRING, "t.base_model"),
]


@dataclass(frozen=True, slots=True)
class Format:
    """`source` joins what its columns need beyond `consent.SHOWN`; it may multiply or drop rows."""

    name: str
    own: Sequence[Column]
    source: str = ""

    @property
    def columns(self) -> list[Column]:
        """The feed's four, then the format's own. `lines` knows the cursor's mark."""
        return [
            Column("trajectory_id", STRING, "r.trajectory_id"),
            Column("revision", INT, "r.revision"),
            Column("op", STRING, "'upsert'"),
            Column("cursor", STRING, "lpad(r.position::text, 16, '0') || %(mark)s"),
            *self.own,
        ]


# What the sampled tokens are; and the steps before the last one of an answer that called tools.
SPAN: Type = {"kind": STRING, "first": INT, "end": INT}
SPANS = """(SELECT coalesce(json_agg(json_build_object(
        'kind', span -> 0, 'first', span -> 1, 'end', span -> 2) ORDER BY number), '[]')
    FROM jsonb_array_elements(t.spans) WITH ORDINALITY AS one (span, number))"""
EARLIER: Type = {"prompt_token_ids": [INT], "sampled_token_ids": [INT], "logprobs": [FLOAT]}
STEPS = """(SELECT coalesce(json_agg(json_build_object(
        'prompt_token_ids', step -> 'prompt_token_ids',
        'sampled_token_ids', step -> 'sampled_token_ids',
        'logprobs', step -> 'logprobs') ORDER BY number), '[]')
    FROM jsonb_array_elements(t.earlier) WITH ORDINALITY AS one (step, number))"""
# Other tools' formats say nothing of pictures, thoughts and calls: a dialogue with any is left out.
TEXTS_ONLY = "JOIN LATERAL (SELECT WHERE t.is_plain) AS plain ON true"

NATIVE = Format(
    "native",
    [
        PERSON,
        Column("conversation", STRING, pseudonyms.sql("conversation", "c.id")),
        CONSENT,
        Column("created_at", STRING, "t.created_at"),
        Column("messages", [MESSAGE], "t.messages"),
        Column("response", STRING, "said.text"),
        Column("prompt_token_ids", [INT], "t.prompt_token_ids"),
        Column("sampled_token_ids", [INT], "t.sampled_token_ids"),
        Column("logprobs", [FLOAT], "t.logprobs"),
        Column("spans", [SPAN], SPANS),
        Column("earlier", [EARLIER], STEPS),
        Column("turns", STRING, "CASE WHEN t.is_plain THEN '' ELSE t.turns::text END"),
        Column("tools", STRING, "coalesce(nullif(t.asked -> 'tools', '[]')::text, '')"),
        Column("temperature", FLOAT, "(t.sampling ->> 'temperature')::float"),
        Column("top_p", FLOAT, "(t.sampling ->> 'top_p')::float"),
        Column("max_tokens", INT, "(t.sampling ->> 'max_tokens')::int"),
        Column("seed", INT, "(t.sampling ->> 'seed')::bigint"),
        *POLICY,
        Column("finish_reason", STRING, "t.finish_reason"),
        Column("queued_ms", FLOAT, "t.queued_ms"),
        Column("first_token_ms", FLOAT, "t.first_token_ms"),
        Column("total_ms", FLOAT, "t.total_ms"),
        Column("feedback", [provenance.FEEDBACK], "coalesce(judged.feedback, '[]')"),
        UPDATES,
        Column("used_by", [provenance.POLICY], "coalesce(learned.policies, '[]')"),
    ],
    source=f"{provenance.LEARNED} {provenance.JUDGED}",
)

OPENAI = Format(
    "openai",
    [
        Column(
            "messages",
            [MESSAGE],
            "t.messages || jsonb_build_array("
            "jsonb_build_object('role', 'assistant', 'content', said.text))",
        )
    ],
    source=TEXTS_ONLY,
)

SHAREGPT = Format(
    "sharegpt",
    [
        Column(
            "conversations",
            [{"from": STRING, "value": STRING}],
            "(SELECT json_agg(json_build_object('from', CASE turn ->> 'role'"
            " WHEN 'user' THEN 'human' WHEN 'assistant' THEN 'gpt' ELSE turn ->> 'role' END,"
            " 'value', turn ->> 'content') ORDER BY number)"
            " FROM jsonb_array_elements(t.messages || jsonb_build_array("
            "jsonb_build_object('role', 'assistant', 'content', said.text)))"
            " WITH ORDINALITY AS turns (turn, number))",
        )
    ],
    source=TEXTS_ONLY,
)

SFT = Format(
    "trl-sft",
    [
        Column("prompt", [MESSAGE], "t.messages"),
        Column("completion", [MESSAGE], ANSWER.format("coalesce(corrected.text, said.text)")),
    ],
    source=f"""
        {TEXTS_ONLY}
        LEFT JOIN LATERAL (
            SELECT {consent.hidden("f.text")} AS text FROM assistant_feedback f
             WHERE {STANDING} AND f.kind = 'correction' ORDER BY f.created_at LIMIT 1
        ) AS corrected ON true
    """,
)

KTO = Format(
    "trl-kto",
    [
        Column("prompt", [MESSAGE], "t.messages"),
        Column("completion", [MESSAGE], ANSWER.format("said.text")),
        Column("label", BOOL, "f.kind = 'up'"),
    ],
    source=f"{TEXTS_ONLY} JOIN assistant_feedback f ON {STANDING} AND f.kind IN ('up', 'down')",
)

# Blacked out may be words of either conversation.
OTHER = consent.hidden(
    consent.hidden(f"({consent.TEXT.format('sibling')})"), consent.redacted_in("sibling.place")
)
DPO = Format(
    "trl-dpo",
    [
        Column("prompt", [MESSAGE], "t.messages"),
        Column("chosen", [MESSAGE], ANSWER.format("pair.chosen")),
        Column("rejected", [MESSAGE], ANSWER.format("pair.rejected")),
    ],
    source=f"""
        {TEXTS_ONLY}
        JOIN LATERAL (
            SELECT f.created_at, {consent.hidden("f.text")} AS chosen, said.text AS rejected
              FROM assistant_feedback f WHERE {STANDING} AND f.kind = 'correction'
             UNION ALL
            SELECT f.created_at, said.text, {OTHER}
              FROM assistant_feedback f
             CROSS JOIN LATERAL (
                SELECT sibling.parts, place.id AS place FROM {consent.SIBLING}
             ) AS sibling
             WHERE {STANDING} AND f.kind = 'preference'
             ORDER BY created_at
        ) AS pair ON true
    """,
)

# Only the answer's own step has metrics; the earlier ones were other generations'.
METRICS = {
    "prompt_tokens": INT,
    "completion_tokens": INT,
    "prompt_token_ids": [INT],
    "completion_token_ids": [INT],
    "logprobs": [FLOAT],
}
FINAL = {
    "total_prompt_tokens": INT,
    "total_completion_tokens": INT,
    "total_steps": INT,
}
STEP = {
    "step_id": INT,
    "timestamp": STRING,
    "source": STRING,
    "model_name": STRING,
    "message": STRING,
    "metrics": METRICS,
}

ATIF = Format(
    "atif",
    [
        Column("schema_version", STRING, f"'{ATIF_VERSION}'"),
        Column("session_id", STRING, pseudonyms.sql("conversation", "c.id")),
        Column(
            "agent",
            {
                "name": STRING,
                "version": STRING,
                "model_name": STRING,
                "extra": {"policy_sha256": STRING, "base_model": STRING},
            },
            f"json_build_object('name', 'danas', 'version', '{AGENT_VERSION}',"
            " 'model_name', t.policy, 'extra', json_build_object("
            "'policy_sha256', t.digest, 'base_model', t.base_model))",
        ),
        Column("steps", [STEP], "steps.list"),
        Column("notes", STRING, "''"),
        Column(
            "final_metrics",
            FINAL,
            "json_build_object('total_prompt_tokens', t.prompt_tokens,"
            " 'total_completion_tokens', t.sampled_tokens,"
            " 'total_steps', jsonb_array_length(t.messages) + 1)",
        ),
        Column(
            "extra",
            {
                "person": STRING,
                "consent_version": STRING,
                "finish_reason": STRING,
                "used_in_updates": [STRING],
            },
            f"json_build_object('person', {PERSON.sql}, 'consent_version', {CONSENT.sql},"
            f" 'finish_reason', t.finish_reason, 'used_in_updates', {UPDATES.sql})",
        ),
    ],
    source=f"""
        {TEXTS_ONLY}
        {provenance.LEARNED}
        CROSS JOIN LATERAL (
            SELECT json_agg(step ORDER BY number) AS list FROM (
                SELECT number, json_build_object(
                           'step_id', number, 'timestamp', NULL,
                           'source', CASE turn ->> 'role' WHEN 'assistant' THEN 'agent'
                                     ELSE turn ->> 'role' END,
                           'model_name', NULL, 'message', turn ->> 'content', 'metrics', NULL
                       ) AS step
                  FROM jsonb_array_elements(t.messages) WITH ORDINALITY AS turns (turn, number)
                 UNION ALL
                SELECT jsonb_array_length(t.messages) + 1, json_build_object(
                           'step_id', jsonb_array_length(t.messages) + 1,
                           'timestamp', t.created_at, 'source', 'agent', 'model_name', t.policy,
                           'message', said.text, 'metrics', json_build_object(
                               'prompt_tokens', t.prompt_tokens,
                               'completion_tokens', t.sampled_tokens,
                               'prompt_token_ids', t.prompt_token_ids,
                               'completion_token_ids', t.sampled_token_ids,
                               'logprobs', t.logprobs))
            ) AS one
        ) AS steps
    """,
)

FORMATS: dict[str, Format] = {
    each.name: each for each in (NATIVE, OPENAI, SHAREGPT, ATIF, SFT, DPO, KTO)
}
