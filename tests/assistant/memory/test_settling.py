"""After a turn room is made in the memory, so that the next turn finds it."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assistant.memory import editing, profile, settling, window
from assistant.models import Conversation, Generation, Message
from assistant.models import Window as WindowRow
from inference import registry
from inference.client import EngineClient
from inference.contracts import BASE_NAME
from inference.diffusion import (
    Action,
    Diffusion,
    Window,
    admit,
    from_json,
    to_messages,
    with_needs,
)
from inference.diffusion.marker import answers
from tests import factories
from tests.fakes import Answer, Request, ScriptedEngine

pytestmark = pytest.mark.django_db

LIMIT = 256
STORY = "Well, it was such a long day. Ada moved to Cebu on 3 May. It rained all the time. Oh well."


@pytest.fixture(autouse=True)
def _small_window(settings):
    settings.WINDOW_TOKENS = LIMIT
    settings.REWRITING = "off"


@pytest.fixture(autouse=True)
def _adapter_that_reads(db):
    version = registry.stage("/adapters/m", "0" * 64, registry.base(), {}, alias="memory")
    registry.accept(version)
    registry.activate(version.name, "a test", registry.MEMORY_ALIAS)


def crowded(tokenizer, turns=8) -> Window:
    """Stories that were read: their second sentence will be asked for."""
    shown = Window("You are Danas.")
    for number in range(turns):
        for role in ("user", "assistant"):
            text = STORY.replace("Cebu", f"Cebu {number}")
            said = str(UUID(int=len(shown.blocks)))
            shown = admit(shown, said, role, text, tokenizer)
            shown = with_needs(shown, {shown.blocks[-1].id: [-2.0, 1.0 + number / 9, -4.0, -6.0]})
    return shown


def answered(shown: Window, tokenizer, parent: Message | None = None) -> Message:
    parent = parent or factories.said(factories.conversation(factories.ada()))
    message = factories.answer(parent, status=Generation.Status.RUNNING)
    window.save(message, window.Prepared(Diffusion(shown, (), (1,))), "Good.", tokenizer)
    return message


def row_of(message: Message) -> WindowRow:
    return WindowRow.objects.get(message=message)


def texts_of(row: WindowRow) -> list[str]:
    return [block.text for block in from_json(row.blocks).blocks]


def settle(message, tokenizer, *answers: Answer | str, likeliest=()) -> ScriptedEngine:
    """What the worker does after a turn; the engine, with what it was asked."""

    async def run() -> ScriptedEngine:
        async with (
            ScriptedEngine(answers or ["Hello."], likeliest=dict(likeliest)) as engine,
            EngineClient([engine.url], engine.key) as client,
        ):
            await settling.after_turn(message.pk, client, tokenizer)
            return engine

    return async_to_sync(run)()


def prompts_of(engine: ScriptedEngine) -> list[Request]:
    """What it was given to read and go on from, without what it was given to judge."""
    return [each for each in engine.completions if "prompt_logprobs" not in each.body]


def test_room_is_made_before_the_next_turn(tokenizer):
    message = answered(crowded(tokenizer), tokenizer)

    settle(message, tokenizer)

    settled = from_json(row_of(message).blocks)
    # A sixteenth of the window is for what is said next.
    assert len(tokenizer.prompt_ids(to_messages(settled))) <= LIMIT - LIMIT // 16
    assert settled.changes


def test_the_next_answer_shows_what_was_done_ahead_of_it(tokenizer):
    message = answered(crowded(tokenizer), tokenizer)
    settle(message, tokenizer)
    done = from_json(row_of(message).blocks).changes
    question = factories.said(message.conversation, "And then?", parent=message)
    answer = factories.answer(question, status=Generation.Status.RUNNING)

    prepared = window.prepare(answer, tokenizer)

    assert prepared.diffusion.changes == done
    assert prepared.diffusion.window.changes == ()
    assert prepared.diffusion.prompt_tokens <= LIMIT


@pytest.mark.usefixtures("counted")
def test_the_engine_reads_ahead_what_the_next_prompt_begins_with(tokenizer):
    message = answered(crowded(tokenizer), tokenizer)
    profile.add(factories.ada(), "I like rice.")

    engine = settle(message, tokenizer)

    [request] = prompts_of(engine)
    question = factories.said(message.conversation, "And then?", parent=message)
    answer = factories.answer(question, status=Generation.Status.RUNNING)
    prompt = list(window.prepare(answer, tokenizer).prompt_ids)
    assert request.body["max_tokens"] == 1
    assert prompt[: len(request.prompt)] == request.prompt
    # What is left to read: what was said, and the mark for the answer.
    assert tokenizer.decode_whole(prompt[len(request.prompt) :]).startswith("And then?<|im_end|>")


def test_the_policy_that_answers_next_is_the_one_that_reads_ahead(tokenizer):
    message = answered(crowded(tokenizer), tokenizer)
    version = registry.stage("/adapters/kind", "1" * 64, registry.base(), {})
    registry.accept(version)
    registry.activate(version.name, "a test")

    engine = settle(message, tokenizer)

    # The scripted engine doesn't have it: what can't be read ahead is read when it is asked.
    assert {request.model for request in prompts_of(engine)} == {version.name}
    assert from_json(row_of(message).blocks).changes


def test_nothing_is_read_ahead_where_the_person_went_on_by_now(tokenizer):
    message = answered(crowded(tokenizer), tokenizer)
    factories.said(message.conversation, "And then?", parent=message)

    engine = settle(message, tokenizer)

    assert from_json(row_of(message).blocks).changes
    assert prompts_of(engine) == []


def test_a_memory_that_only_grew_is_not_read_ahead(tokenizer):
    message = answered(crowded(tokenizer, turns=2), tokenizer)

    engine = settle(message, tokenizer)

    assert prompts_of(engine) == []


def test_what_the_answer_was_made_from_stays_as_it_was(tokenizer):
    message = answered(crowded(tokenizer), tokenizer)
    before = row_of(message)

    settle(message, tokenizer)

    after = row_of(message)
    assert (after.shown, after.changes) == (before.shown, before.changes)
    assert after.blocks != before.blocks


def test_where_there_is_room_nothing_is_touched(tokenizer):
    message = answered(crowded(tokenizer, turns=2), tokenizer)
    before = row_of(message)

    settle(message, tokenizer)

    assert texts_of(row_of(message)) == texts_of(before)


def test_a_sibling_keeps_its_own_memory(tokenizer):
    message = answered(crowded(tokenizer), tokenizer)
    sibling = answered(crowded(tokenizer), tokenizer, parent=message.parent)
    before = row_of(sibling)

    settle(message, tokenizer)

    assert row_of(sibling).blocks == before.blocks


def test_a_memory_that_was_changed_meanwhile_is_left_alone(tokenizer):
    message = answered(crowded(tokenizer), tokenizer)
    before = window.carried(message.pk)
    forgotten = replace(before, blocks=before.blocks[2:])
    put = window.settle

    first = put(message.pk, before, forgotten)
    second = put(message.pk, before, replace(before, blocks=before.blocks[:1]))

    assert (first, second) == (True, False)
    assert from_json(row_of(message).blocks) == forgotten


def test_settling_twice_changes_nothing(tokenizer):
    message = answered(crowded(tokenizer), tokenizer)
    settle(message, tokenizer)
    once = row_of(message)

    settle(message, tokenizer)

    assert row_of(message).blocks == once.blocks


def test_a_last_message_that_fills_the_window_is_left_to_the_next_turn(tokenizer):
    shown = admit(Window("You are Danas."), "q", "user", "word " * (LIMIT - 40), tokenizer)
    message = answered(shown, tokenizer)
    before = row_of(message)

    settle(message, tokenizer)

    assert texts_of(row_of(message)) == texts_of(before)


def test_a_memory_without_a_word_of_the_person_is_settled_like_any_other(tokenizer):
    shown = crowded(tokenizer, turns=20)
    answers_alone = tuple(block for block in shown.blocks if block.role == "assistant")
    message = answered(replace(shown, blocks=answers_alone), tokenizer)

    settle(message, tokenizer)

    assert texts_of(row_of(message))[-1] == "Good."


def test_an_answer_that_is_gone_is_nothing_to_settle(tokenizer):
    message = answered(crowded(tokenizer), tokenizer)
    Message.objects.filter(pk=message.pk).delete()

    settle(message, tokenizer)


def test_a_model_words_anew_what_it_is_allowed_to(tokenizer, settings):
    """It drops the filling of two sentences and so keeps more than either of them alone."""
    settings.REWRITING = "on"
    message = answered(even(tokenizer), tokenizer)
    text = "Ada moved to Cebu. It rained in May."

    engine = settle(message, tokenizer, text)

    *asked, _ = prompts_of(engine)
    settled = from_json(row_of(message).blocks)
    anew = [change for change in settled.changes if change.action == Action.REWRITTEN]
    assert anew
    assert {change.text_after for change in anew} == {text}
    assert all(change.text_before.startswith("So then, after all") for change in anew)
    assert 0 < len(asked) <= 8
    assert {request.body["temperature"] for request in asked} == {0.0}
    assert {request.model for request in asked} == {BASE_NAME}
    assert any("So then, after all" in tokenizer.decode(request.prompt) for request in asked)


@pytest.mark.parametrize(
    "answer",
    [
        "Ada moved to Rome. It rained in May.",
        "I'm sorry, but I can't help with that.",
        "",
        "Ada moved to Cebu, and it rained in May " * 9,
        Answer(refused="no such thing"),
        Answer(refused="out of memory", status=500),
    ],
)
def test_what_the_model_says_wrong_is_not_taken(tokenizer, settings, answer):
    settings.REWRITING = "on"
    message = answered(even(tokenizer), tokenizer)

    settle(message, tokenizer, answer)

    settled = from_json(row_of(message).blocks)
    actions = {change.action for change in settled.changes}
    assert Action.EXTRACTED in actions
    assert Action.REWRITTEN not in actions


def even(tokenizer) -> Window:
    """Blocks of two sentences that are both likely to be asked for."""
    shown = Window("You are Danas.")
    text = "So then, after all, Ada has moved over to Cebu. It rained in May, it did."
    for number in range(16):
        role = ("user", "assistant")[number % 2]
        shown = admit(shown, f"m{number}", role, f"{text[:-1]}, {number}.", tokenizer)
        shown = with_needs(shown, {shown.blocks[-1].id: [1.0, -1.0]})
    return shown


def test_what_was_worded_anew_is_read_again(tokenizer, settings):
    settings.REWRITING = "on"
    message = answered(even(tokenizer), tokenizer)
    yes, no = answers(tokenizer.encode)

    text = "Ada moved to Cebu. It rained in May."

    settle(message, tokenizer, text, likeliest=((yes, -0.1), (no, -3.1)))

    settled = from_json(row_of(message).blocks)
    texts = {change.text_after for change in settled.changes if change.action == Action.REWRITTEN}
    anew = [block for block in settled.blocks if block.text in texts]
    assert anew
    assert all(block.needs == pytest.approx((3.0, 3.0)) for block in anew)


@pytest.mark.parametrize(
    ("asked", "gigabytes", "does"),
    [("auto", 0.3, False), ("auto", 8, True), ("on", 0.3, True), ("off", 8, False)],
)
def test_small_models_do_not_word_anew_unless_told_to(settings, tmp_path, asked, gigabytes, does):
    settings.REWRITING, settings.MODEL_PATH = asked, tmp_path
    with (tmp_path / "model.safetensors").open("wb") as weights:
        # A hole in the file: nothing is written.
        weights.truncate(int(gigabytes * 1e9))

    assert settling.is_rewriting() is does


def test_a_late_turn_reads_and_stores_no_more_than_an_early_one(tokenizer):
    """From the prompt to the settled memory, over sixty turns that fill the window often."""
    chance = random.Random(7)
    message, costs = None, []
    where = factories.conversation(factories.ada())
    for number in range(60):
        said = " ".join(chance.choices(STORY.split(), k=chance.randint(3, 30)))
        with CaptureQueriesContext(connection) as queries:
            message = take_a_turn(where, f"{number}: {said}", tokenizer, after=message)
        row = row_of(message)
        stored = sum(len(json.dumps(each)) for each in (row.shown, row.blocks, row.changes))
        costs.append((len(queries), stored))

    assert max(count for count, _ in costs[30:]) <= max(count for count, _ in costs[:30])
    assert max(stored for _, stored in costs[30:]) < 1.5 * max(stored for _, stored in costs[:30])


def take_a_turn(where, text, tokenizer, after=None) -> Message:
    question = factories.said(where, text, parent=after)
    answer = factories.answer(question, status=Generation.Status.RUNNING)
    window.save(answer, window.prepare(answer, tokenizer), "Nice.", tokenizer)
    settle(answer, tokenizer)
    return answer


def test_one_persons_words_are_never_in_anothers_memory(tokenizer):
    for who, text in ((factories.ada(), "Cebu is my home."), (factories.ben(), "Rome is my home.")):
        take_a_turn(factories.conversation(who), text, tokenizer)

    def stored(who):
        rows = WindowRow.objects.filter(message__conversation__owner=who)
        return json.dumps([[row.shown, row.blocks, row.changes] for row in rows])

    hers, his = stored(factories.ada()), stored(factories.ben())
    assert ("Cebu" in hers, "Rome" in hers) == (True, False)
    assert ("Cebu" in his, "Rome" in his) == (False, True)


def test_where_memory_is_off_nothing_is_settled(tokenizer):
    message = answered(crowded(tokenizer), tokenizer)
    Conversation.objects.update(uses_memory=False)
    before = row_of(message)

    settle(message, tokenizer)

    assert texts_of(row_of(message)) == texts_of(before)


def test_room_is_left_for_the_notes_of_the_person(tokenizer):
    notes = ("I like rice.", "I live in Cebu.")
    message = answered(replace(crowded(tokenizer), notes=notes), tokenizer)

    settle(message, tokenizer)

    settled = from_json(row_of(message).blocks)
    with_notes = replace(settled, notes=notes)
    assert settled.notes == ()
    assert len(tokenizer.prompt_ids(to_messages(with_notes))) <= LIMIT - LIMIT // 16
    assert settled.changes


def test_what_is_forgotten_is_not_told_of_in_what_was_settled(tokenizer):
    message = answered(crowded(tokenizer, turns=5), tokenizer)
    settle(message, tokenizer)
    settled = from_json(row_of(message).blocks)
    touched = {change.block for change in settled.changes}
    block = next(block for block in settled.blocks if block.id in touched)

    Generation.objects.update(status=Generation.Status.DONE)

    editing.forget(factories.ada(), message.pk, block.id)

    left = from_json(row_of(message).blocks)
    assert block.id not in {change.block for change in left.changes}
    assert len(left.changes) < len(settled.changes)
