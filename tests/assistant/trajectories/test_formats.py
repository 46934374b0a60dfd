import json
import re
from datetime import datetime

import pytest
from django.db import IntegrityError

from assistant.feedback import experiences
from assistant.models import Message, Release, Trajectory
from assistant.trajectories import feed, parquet
from assistant.trajectories.filters import Filter
from assistant.trajectories.formats import FORMATS
from assistant.trajectories.lines import Reading
from assistant.trajectories.pseudonyms import pseudonym
from learning import ledger
from learning.contracts import FeedbackKind
from learning.ledger import Kind
from learning.models import Judgement, Update, UpdateJudgement
from tests import factories

pytestmark = pytest.mark.django_db

PLACE = {"trajectory_id", "revision", "op", "cursor"}
PROMPT = [
    {"role": "system", "content": "You are Danas."},
    {"role": "user", "content": "Hello"},
]


def rows(form):
    feed.give_places()
    pages = Reading(form, Filter()).pages(0, feed.head(), 100)
    return [json.loads(line) for page in pages for line in page.content.splitlines()]


def without_place(row):
    return {key: value for key, value in row.items() if key not in PLACE}


def test_native_rows_hold_what_was_sampled():
    answer = factories.served(factories.ada())
    feedback = factories.feedback(answer, tags=["clear"])

    (row,) = rows("native")

    assert row["trajectory_id"] == str(answer.pk)
    assert (row["op"], row["revision"]) == ("upsert", 1)
    assert row["messages"] == PROMPT
    assert row["response"] == "Good morning."
    assert row["prompt_token_ids"] == [1, 2, 3]
    assert row["sampled_token_ids"] == [4, 5]
    assert row["logprobs"] == [-0.5, -0.25]
    assert (row["temperature"], row["top_p"]) == (0.2, 0.9)
    assert row["feedback"][0]["id"] == str(feedback.pk)
    assert row["used_in_updates"] == []


def test_people_appear_under_pseudonyms_that_are_always_the_same():
    factories.served(factories.ada())
    factories.served(factories.ada())
    factories.served(factories.ben())

    first, second, third = rows("native")

    assert first["person"] == second["person"] != third["person"]
    # As a word: the hexadecimal digits of a pseudonym may spell it by chance.
    assert not re.search(r"\bada\b", json.dumps(first))
    assert first["person"] != pseudonym("conversation", factories.ada().pk)


def test_openai_rows_are_the_whole_exchange():
    factories.served(factories.ada())

    (row,) = rows("openai")

    assert without_place(row) == {
        "messages": [*PROMPT, {"role": "assistant", "content": "Good morning."}]
    }


def test_sft_rows_are_completed_by_the_correction_where_there_is_one():
    factories.served(factories.ada())
    corrected = factories.served(factories.ada())
    factories.feedback(corrected, FeedbackKind.CORRECTION, text="Good evening.")

    plain, better = rows("trl-sft")

    assert plain["completion"] == [{"role": "assistant", "content": "Good morning."}]
    assert better["completion"] == [{"role": "assistant", "content": "Good evening."}]


def test_kto_rows_are_the_answers_with_a_thumb():
    factories.served(factories.ada())
    for kind in (FeedbackKind.UP, FeedbackKind.DOWN):
        factories.feedback(factories.served(factories.ada()), kind)

    up, down = rows("trl-kto")

    assert (up["label"], down["label"]) == (True, False)
    assert up["prompt"] == PROMPT


def test_dpo_rows_are_corrections_and_preferences():
    answer = factories.served(factories.ada())
    factories.feedback(answer, FeedbackKind.CORRECTION, text="Good evening.")
    sibling = factories.answer(answer.parent, "Morning!")
    factories.feedback(sibling, FeedbackKind.PREFERENCE, over=answer)

    corrected, preferred = rows("trl-dpo")

    def texts(row):
        return [row[side][0]["content"] for side in ("chosen", "rejected")]

    assert texts(corrected) == ["Good evening.", "Good morning."]
    assert texts(preferred) == ["Morning!", "Good morning."]


def test_sharegpt_rows_name_the_speakers_its_way():
    factories.served(factories.ada())

    (row,) = rows("sharegpt")

    assert without_place(row) == {
        "conversations": [
            {"from": "system", "value": "You are Danas."},
            {"from": "human", "value": "Hello"},
            {"from": "gpt", "value": "Good morning."},
        ]
    }


def test_atif_rows_are_documents_of_version_1_4():
    factories.served(factories.ada())

    (row,) = rows("atif")

    earlier = {"timestamp": None, "model_name": None, "metrics": None}
    assert row["schema_version"] == "ATIF-v1.4"
    assert row["agent"]["model_name"] == "base"
    assert row["steps"][:2] == [
        {"step_id": 1, "source": "system", "message": "You are Danas.", **earlier},
        {"step_id": 2, "source": "user", "message": "Hello", **earlier},
    ]
    assert row["steps"][2]["source"] == "agent"
    assert row["steps"][2]["metrics"] == {
        "prompt_tokens": 3,
        "completion_tokens": 2,
        "prompt_token_ids": [1, 2, 3],
        "completion_token_ids": [4, 5],
        "logprobs": [-0.5, -0.25],
    }
    assert row["final_metrics"] == {
        "total_prompt_tokens": 3,
        "total_completion_tokens": 2,
        "total_steps": 3,
    }


def test_pseudonyms_are_those_of_the_keyed_hash():
    answer = factories.served(factories.ada())

    (row,) = rows("native")

    assert row["person"] == pseudonym("person", factories.ada().pk)
    assert row["conversation"] == pseudonym("conversation", answer.conversation_id)


def test_a_row_says_which_consent_it_stands_on():
    factories.served(factories.ada())

    (row,) = rows("native")

    assert datetime.fromisoformat(row["consent_version"]) == factories.ada().consent_changed_at


@pytest.mark.parametrize("wrong", [float("-inf"), float("inf"), float("nan")])
def test_no_record_has_a_number_that_json_has_not(wrong):
    answer = factories.served(factories.ada())

    with pytest.raises(IntegrityError, match="logprobs_are_finite"):
        Trajectory.objects.filter(pk=answer.pk).update(logprobs=[-0.5, wrong])


def test_texts_come_out_as_they_went_in():
    said = 'Back\\slash, "quotes", \ttabs\nand lines, \u2028, \x01\x02, 日本語, 😀'
    factories.served(factories.ada(), said)

    (row,) = rows("native")

    assert row["response"] == said


@pytest.mark.parametrize("form", FORMATS)
def test_every_row_has_every_key_and_is_json(form):
    for text in ("One.", "Two."):
        answer = factories.served(factories.ada(), text)
        factories.feedback(answer, tags=["clear"])
        factories.feedback(answer, FeedbackKind.CORRECTION, text="Three.")

    first, second = rows(form)

    assert set(first) == set(second) >= PLACE
    assert {key: type(value) for key, value in first.items()} == {
        key: type(value) for key, value in second.items()
    }


def test_an_answer_stopped_before_its_first_word_is_left_out():
    answer = factories.served(factories.ada())
    Message.objects.filter(pk=answer.pk).update(parts=[])

    assert rows("native") == []
    assert not Release.objects.exists()


def test_a_row_says_what_was_learned_from_it_and_where_the_ledger_has_it():
    answer = factories.served(factories.ada())
    feedback = factories.feedback(answer)
    experiences.judge(feedback)
    Judgement.objects.update(use="learned", version=12)
    judged = ledger.record(Kind.JUDGED, str(feedback.pk), {"version": 12})
    update = Update.objects.create(requested_by="rho", policy="danas-v1-abababab")
    UpdateJudgement.objects.create(update=update, judgement=Judgement.objects.get())
    trained = ledger.record(Kind.TRAINED, "danas-v1-abababab", {"digest": "ab" * 32})

    (row,) = rows("native")

    (said,) = row["feedback"]
    assert (said["use"], said["reward_version"]) == ("learned", 12)
    assert said["ledger"] == judged.digest
    assert row["used_in_updates"] == [str(update.pk)]
    assert row["used_by"] == [
        {
            "policy": "danas-v1-abababab",
            "policy_sha256": "ab" * 32,
            "ledger": trained.digest,
        }
    ]


def test_a_row_that_nothing_was_learned_from_has_the_same_keys():
    factories.feedback(factories.served(factories.ada()))

    (row,) = rows("native")

    (said,) = row["feedback"]
    assert (said["use"], said["reward_version"], said["ledger"]) == ("stored", None, "")
    assert (row["used_in_updates"], row["used_by"]) == ([], [])


def with_steps():
    """An answer about a picture, for which a tool was called first."""
    answer = factories.served(factories.ada())
    picture = {"id": "p", "digest": "d", "width": 8, "height": 4}
    call = {"id": "c", "name": "calculator", "arguments": "{}"}
    turns = [
        {"role": "user", "content": "What is it?", "images": [picture]},
        {"role": "assistant", "content": "", "calls": [call]},
        {"role": "tool", "content": "42", "call_id": "c"},
    ]
    step = {"prompt_token_ids": [1, 2], "sampled_token_ids": [9], "logprobs": [-0.1]}
    Trajectory.objects.filter(pk=answer.pk).update(
        messages=turns,
        earlier=[{**step, "spans": [["other", 0, 1]], "messages": turns[1:]}],
        spans=[["reasoning", 0, 1], ["text", 1, 2]],
        asked={"tools": [{"name": "calculator", "description": "", "parameters": {}}]},
    )
    return turns


def test_native_rows_hold_each_step_the_tools_and_the_pictures_by_name():
    turns = with_steps()

    (row,) = rows("native")

    assert json.loads(row["turns"]) == turns
    assert row["messages"][0] == {"role": "user", "content": "What is it?"}
    assert row["earlier"] == [
        {"prompt_token_ids": [1, 2], "sampled_token_ids": [9], "logprobs": [-0.1]}
    ]
    assert row["spans"][0] == {"kind": "reasoning", "first": 0, "end": 1}
    assert json.loads(row["tools"])[0]["name"] == "calculator"


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_every_format_can_be_written_as_parquet_whatever_a_dialogue_has_in_it(form):
    with_steps()
    factories.served(factories.ben())
    feed.give_places()

    [page] = Reading(form, Filter()).pages(0, feed.head(), 100)

    table = parquet.table(page.content, FORMATS[form])
    texts_only = {"native": 2, "trl-kto": 0, "trl-dpo": 0}
    assert table.num_rows == texts_only.get(form, 1)
