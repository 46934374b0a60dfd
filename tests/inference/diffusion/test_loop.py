"""The invariants of Memory Diffusion, under dialogues of any shape."""

import itertools
import json
import random
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.diffusion import (
    Action,
    Window,
    admit,
    beginning,
    diffuse,
    forget,
    from_json,
    importance,
    to_json,
    to_messages,
    with_needs,
)
from inference.diffusion.allocate import MOST_REWRITES
from inference.diffusion.sentences import sentences
from inference.diffusion.window import BLOCK_TOKENS
from inference.errors import MessageTooLong, SystemTextTooLong
from tests.inference.words import small_tokenizer

TOKENIZER = small_tokenizer()
SYSTEM = "You are Danas."
WORDS = [
    *("the", "a", "fox", "dog", "Ada", "Ben", "Manila", "37", "12.5.2024", "weather", "rained"),
    *("世界", "مرحبا", "🌊👩‍👩‍👧", "naïve", "e\u0301", "http://example.org/a?b=1", "$1,299.00"),
]
ENDS = [". ", "! ", "? ", "…\n", "\n\n", "。", " ", '." ', "\t"]

anything = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
sentence = st.builds(
    lambda words, end: " ".join(words) + end,
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=20),
    st.sampled_from(ENDS),
)
prose = st.lists(sentence, min_size=1, max_size=12).map("".join)
message = st.one_of(
    prose,
    st.text(min_size=1, max_size=200),
    st.integers(1, 900).map(lambda length: "x" * length),
    st.integers(1, 60).map(lambda length: " \n" * length),
)
log_odds = st.one_of(st.none(), st.lists(st.floats(-20, 20), min_size=1, max_size=30))
turns = st.lists(st.tuples(message, message, log_odds), min_size=1, max_size=14)


def ask(window, number, text, limit):
    window = admit(window, f"q{number}", "user", text, TOKENIZER)
    return diffuse(window, limit, TOKENIZER)


def talk(dialogue, limit):
    """Every round of the loop over a dialogue; a message that is too long is left out."""
    window, rounds = Window(SYSTEM), []
    for number, (question, answer, needs) in enumerate(dialogue):
        try:
            rounds.append(ask(window, number, question, limit))
        except MessageTooLong:
            continue
        window = rounds[-1].window
        window = read(admit(window, f"a{number}", "assistant", answer, TOKENIZER), needs)
    return rounds


def read(window, needs):
    """The window with what a scorer said of all sentences that it had not read."""
    if needs is None:
        return window
    unread = [block for block in window.blocks if not block.needs]
    parts = {block.id: sentences(block.text) for block in unread}
    values = itertools.cycle(needs)
    return with_needs(window, {key: [next(values) for _ in each] for key, each in parts.items()})


@given(turns, st.integers(48, 400))
@anything
def test_the_prompt_is_never_longer_than_the_window(dialogue, limit):
    for result in talk(dialogue, limit):
        rendered = TOKENIZER.prompt_ids(to_messages(result.window))

        assert list(result.prompt_ids) == rendered
        assert result.prompt_tokens <= limit


@given(turns, st.integers(48, 400))
@anything
def test_the_system_text_and_the_newest_message_are_as_they_were(dialogue, limit):
    questions = {f"q{number}": question for number, (question, _, _) in enumerate(dialogue)}
    for result in talk(dialogue, limit):
        messages = to_messages(result.window)
        newest = result.window.blocks[-1].message

        assert messages[0].role == "system"
        assert messages[0].content == SYSTEM
        assert messages[-1].role == "user"
        assert messages[-1].content.endswith(questions[newest])


@given(turns, st.integers(48, 400))
@anything
def test_the_order_is_kept_and_no_block_comes_back(dialogue, limit):
    gone = set()
    for result in talk(dialogue, limit):
        ids = [block.id for block in result.window.blocks]

        assert ids == sorted(set(ids))
        assert not gone & set(ids)
        gone |= {change.block for change in result.changes if change.action == Action.FORGOTTEN}


@given(turns, st.integers(48, 400))
@anything
def test_a_rewritten_block_says_nothing_its_source_did_not(dialogue, limit):
    said = {f"q{number}": question for number, (question, _, _) in enumerate(dialogue)}
    said |= {f"a{number}": answer for number, (_, answer, _) in enumerate(dialogue)}
    for result in talk(dialogue, limit):
        for block in result.window.blocks:
            for piece in block.text.split(" … "):
                assert piece in said[block.message] or "…" in said[block.message]
            for number in re.findall(r"[\d.,]*\d", block.text):
                assert number in said[block.message]
            assert block.rewrites <= MOST_REWRITES
            assert (block.text in said[block.message]) or block.rewrites > 0


@given(turns, st.integers(48, 400))
@anything
def test_an_extract_is_shorter_than_what_it_was_made_from(dialogue, limit):
    for result in talk(dialogue, limit):
        for change in result.changes:
            assert change.reason
            if change.action == Action.EXTRACTED:
                assert 0 < change.tokens_after < change.tokens_before
            elif change.action == Action.FORGOTTEN:
                assert (change.text_after, change.tokens_after) == ("", 0)
            else:
                assert change.text_after == change.text_before


@given(turns, st.integers(48, 400))
@anything
def test_the_same_dialogue_gives_the_same_windows(dialogue, limit):
    assert talk(dialogue, limit) == talk(dialogue, limit)


@given(turns, st.integers(48, 400))
@anything
def test_a_window_is_the_same_after_a_restart(dialogue, limit):
    for result in talk(dialogue, limit):
        assert from_json(json.loads(json.dumps(to_json(result.window)))) == result.window


@given(turns, st.integers(48, 400), prose)
@anything
def test_what_the_next_prompt_begins_with_is_known_before_it(dialogue, limit, text):
    for result in talk(dialogue, limit):
        known = beginning(result.window, TOKENIZER.prompt_ids)
        window = admit(result.window, "next", "user", text, TOKENIZER)

        assert TOKENIZER.prompt_ids(to_messages(window))[: len(known)] == known


@given(st.one_of(message, prose))
@anything
def test_the_blocks_of_a_message_joined_are_the_message(text):
    window = admit(Window(SYSTEM), "m", "user", text, TOKENIZER)

    assert "".join(block.text for block in window.blocks) == text
    assert all(0 < block.tokens <= BLOCK_TOKENS for block in window.blocks)
    assert [block.tokens for block in window.blocks] == TOKENIZER.counts(
        [block.text for block in window.blocks]
    )


def some_words(chance, most):
    return " ".join(chance.choices(WORDS, k=chance.randint(1, most)))


def test_a_message_longer_than_the_window_is_refused_with_the_numbers():
    window = admit(Window(SYSTEM), "q", "user", "fox " * 400, TOKENIZER)

    with pytest.raises(MessageTooLong, match=r"takes \S+ tokens; the window holds 100, of which"):
        diffuse(window, 100, TOKENIZER)


def test_a_system_text_longer_than_the_window_is_refused_with_the_numbers():
    window = admit(Window("dog " * 400), "q", "user", "Hello", TOKENIZER)

    with pytest.raises(SystemTextTooLong, match="the window holds 100"):
        diffuse(window, 100, TOKENIZER)


def test_a_dialogue_that_fits_is_left_alone():
    window = admit(Window(SYSTEM), "q0", "user", "Hello! How are you?", TOKENIZER)
    window = admit(window, "a0", "assistant", "Fine. And you?", TOKENIZER)

    result = ask(window, 1, "Well.", 400)

    assert result.changes == ()
    assert [message.content for message in to_messages(result.window)] == [
        SYSTEM,
        "Hello! How are you?",
        "Fine. And you?",
        "Well.",
    ]


def test_the_last_turns_are_verbatim_while_they_fit():
    result = ask(crowded(), 20, "And now?", 240)

    contents = [message.content for message in to_messages(result.window)]
    assert contents[-3:-1] == ["Question 19 about Ada.", "Answer 19: it rained in Manila."]
    assert result.changes


def test_with_nothing_read_the_oldest_are_forgotten_first():
    result = ask(crowded(), 20, "And now?", 240)

    forgotten = [change.block for change in result.changes]
    assert forgotten == list(range(len(forgotten)))
    assert {change.reason for change in result.changes} == {"among the oldest"}


def test_a_block_that_will_be_asked_for_outlives_newer_ones():
    window = crowded()
    old = window.blocks[2]
    window = with_needs(window, {block.id: [-3.0] for block in window.blocks} | {old.id: [3.0]})

    result = ask(window, 20, "And now?", 240)

    left = {block.id for block in result.window.blocks}
    assert old.id in left
    assert window.blocks[4].id not in left
    kept = [change for change in result.changes if change.action == Action.KEPT]
    assert old.id in [change.block for change in kept]


def test_a_forgotten_block_says_how_likely_it_was_to_be_asked_for():
    window = crowded()
    window = with_needs(window, {block.id: [-3.0] for block in window.blocks})

    result = ask(window, 20, "And now?", 240)

    # 1 / (1 + e³) = 4.7 %
    reasons = [change.reason for change in result.changes if change.action == Action.FORGOTTEN]
    assert reasons
    assert all("asked for at 5%" in reason for reason in reasons)


def test_importance_is_recency_where_nothing_else_is_known():
    worth = importance(crowded())

    assert list(worth.values()) == sorted(worth.values())
    assert all(0 <= value <= 1 for value in worth.values())


def test_a_block_is_as_important_as_any_of_its_sentences_is_likely():
    window = admit(Window(SYSTEM), "m", "user", "It rained. I moved to Cebu. Bye.", TOKENIZER)
    window = with_needs(window, {0: [0.0, 0.0, 0.0]})

    # Three coins: 1 - 1/8.
    assert importance(window) == {0: pytest.approx(0.875)}


def test_what_was_read_of_other_sentences_is_left_out():
    window = admit(Window(SYSTEM), "m", "user", "It rained. I moved to Cebu.", TOKENIZER)

    assert with_needs(window, {0: [1.0]}) == window
    assert with_needs(window, {}) == window


STORY = "It rained and rained. The code is Zyx 4711. It was wet and it rained again."


def told(pinned=False):
    """A story whose second sentence will be asked for, and eight messages that will not be."""
    window = admit(Window(SYSTEM), "story", "user", STORY, TOKENIZER)
    window = with_needs(window, {0: [-5.0, 3.0, -5.0]})
    window = replace(window, blocks=(replace(window.blocks[0], is_pinned=pinned),))
    for number in range(8):
        text = f"It rained and it rained, {number} times."
        window = admit(window, f"q{number}", "user", text, TOKENIZER)
        window = with_needs(window, {window.blocks[-1].id: [0.0]})
    return window


def test_the_sentences_that_will_be_asked_for_are_the_ones_kept():
    changes = []
    for limit in range(280, 160, -10):
        changes += diffuse(told(), limit, TOKENIZER).changes

    extracts = {change.text_after for change in changes if change.action == Action.EXTRACTED}
    assert "The code is Zyx 4711." in extracts
    assert all("Zyx 4711" in text for text in extracts)


def test_with_whole_nothing_is_shortened():
    for limit in range(280, 160, -10):
        result = diffuse(told(), limit, TOKENIZER, whole=True)

        assert Action.EXTRACTED not in {change.action for change in result.changes}
        assert all(block.is_verbatim for block in result.window.blocks)


def test_a_pinned_block_stays_as_it_is():
    for limit in range(280, 200, -10):
        result = diffuse(told(pinned=True), limit, TOKENIZER)

        assert result.window.blocks[0].text == STORY


def test_pins_take_at_most_half_of_the_room_the_newest_first():
    window = crowded()
    window = replace(window, blocks=tuple(replace(b, is_pinned=True) for b in window.blocks))

    result = ask(window, 20, "And now?", 240)

    left = [block.id for block in result.window.blocks if block.is_pinned]
    assert left == list(range(40 - len(left), 40))
    assert 0 < len(left) < 30


def test_what_is_said_a_hundred_times_is_remembered_once():
    window = Window(SYSTEM)
    for number in range(100):
        window = admit(window, f"q{number}", "user", "Remember this for ever!", TOKENIZER)
        window = with_needs(window, {number: [5.0]})
    for number in range(6):
        window = admit(window, f"r{number}", "user", f"I have {number} dogs.", TOKENIZER)
        window = with_needs(window, {window.blocks[-1].id: [-1.0]})

    result = ask(window, 200, "Well?", 240)

    texts = [block.text for block in result.window.blocks]
    assert all(f"I have {number} dogs." in texts for number in range(6))
    assert texts.count("Remember this for ever!") < 10


def test_one_message_cannot_fill_the_window_by_what_it_promises():
    window = admit(Window(SYSTEM), "m", "user", "Remember fox %d. " * 30 % (*range(30),), TOKENIZER)
    window = read(window, [5.0])
    for number in range(10):
        window = admit(window, f"r{number}", "user", f"I have {number} dogs.", TOKENIZER)
        window = with_needs(window, {window.blocks[-1].id: [-1.0]})

    result = ask(window, 200, "Well?", 300)

    texts = [block.text for block in result.window.blocks]
    assert all(f"I have {number} dogs." in texts for number in range(10))


def test_notes_are_read_after_the_system_text():
    window = replace(Window(SYSTEM), notes=("Has a cat.", "Lives in Cebu."))

    content = to_messages(window)[0].content

    assert content.startswith(SYSTEM + "\n")
    assert content.endswith("\n- Has a cat.\n- Lives in Cebu.")


def test_notes_that_would_crowd_out_what_was_said_are_left_out_from_the_last():
    notes = tuple(f"Note {number} about the quick brown fox." for number in range(40))

    result = ask(replace(crowded(), notes=notes), 20, "And now?", 300)

    assert result.prompt_tokens <= 300
    assert 0 < len(result.window.notes) < 40
    assert result.window.notes == notes[: len(result.window.notes)]
    assert len(result.window.blocks) > 3


def test_forgetting_a_message_leaves_nothing_of_it():
    window = crowded()

    left = forget(window, {"q3", "a3"})

    assert len(left.blocks) == len(window.blocks) - 2
    assert "Question 3 " not in json.dumps(to_json(left))


def test_a_freed_window_leaves_the_past_alone_for_a_while():
    """More is freed than is needed, so the engine's prefix cache holds the past."""
    first = ask(crowded(), 20, "And now?", 240)

    second = ask(first.window, 21, "And?", 240)

    assert first.changes
    assert second.changes == ()


def test_a_dialogue_always_begins_with_a_person_and_alternates():
    window = crowded()
    window = replace(window, blocks=window.blocks[1:4] + window.blocks[5:6])

    roles = [message.role for message in to_messages(window)]

    assert roles == ["system", "user", "assistant", "user", "assistant"]
    assert to_messages(window)[1].content == "…"


def test_what_is_missing_inside_a_message_is_marked():
    text = "One fox. " * 60
    window = admit(Window(SYSTEM), "m", "user", text, TOKENIZER)
    first, second, third = (block.text for block in window.blocks[:3])
    assert window.blocks[0].parts > 3

    def read_as(*kept):
        blocks = tuple(window.blocks[index] for index in kept)
        return to_messages(replace(window, blocks=blocks))[1].content

    assert read_as(0, 2) == first + " … " + third + " …"
    assert read_as(1, 2) == "… " + second + third + " …"
    assert read_as(*range(window.blocks[0].parts)) == text


def crowded():
    """Twenty short turns, a block each."""
    window = Window(SYSTEM)
    for number in range(20):
        window = admit(window, f"q{number}", "user", f"Question {number} about Ada.", TOKENIZER)
        answer = f"Answer {number}: it rained in Manila."
        window = admit(window, f"a{number}", "assistant", answer, TOKENIZER)
    return window


class Counted:
    """The tokenizer, counting the characters that it is given."""

    def __init__(self):
        self.characters = 0

    def counts(self, texts):
        self.characters += sum(map(len, texts))
        return TOKENIZER.counts(texts)

    def spans(self, text):
        self.characters += len(text)
        return TOKENIZER.spans(text)

    def prompt_ids(self, messages):
        self.characters += sum(len(message.content) for message in messages)
        return TOKENIZER.prompt_ids(messages)


def test_a_turn_costs_the_same_however_long_the_dialogue_is():
    chance, window, costs = random.Random(4), Window(SYSTEM), []
    for number in range(600):
        tokenizer = Counted()
        window = admit(window, f"q{number}", "user", some_words(chance, 12), tokenizer)
        window = read(diffuse(window, 240, tokenizer).window, [chance.gauss(0, 2)])
        costs.append(tokenizer.characters)

    assert max(costs[300:]) < 2 * max(costs[:300])
    assert max(costs) < 15_000
