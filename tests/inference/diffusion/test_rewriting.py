"""The invariants with a model that words blocks anew, whatever it says."""

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
    diffuse,
    forget,
    from_json,
    to_json,
    to_messages,
    with_needs,
)
from inference.diffusion.allocate import MOST_REWRITES
from inference.diffusion.guard import stems
from inference.diffusion.rewrite import MOST_AT_ONCE, order, plan, whole_sentences
from inference.diffusion.sentences import sentences
from inference.diffusion.window import BLOCK_TOKENS
from inference.errors import MessageTooLong, SystemTextTooLong
from tests.inference.diffusion.test_loop import Counted, prose, turns
from tests.inference.words import small_tokenizer

TOKENIZER = small_tokenizer()
SYSTEM = "You are Danas."
INVENTED = ["Rome", "99", "Zoe", "https://example.org/x", "never", "Monday", "bought", "?", "“so”"]
NAME = re.compile(r"\b[A-Z][a-z]{2,}")
NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")

anything = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Talk:
    """A dialogue under the loop, with a model that drops most small words and invents some."""

    def __init__(self, seed, limit, tokenizer=TOKENIZER, invents=0.3):
        self.chance, self.limit, self.tokenizer = random.Random(seed), limit, tokenizer
        self.invents = invents
        self.window = Window(SYSTEM)
        self.tokens_asked = 0

    def turn(self, number, question, answer):
        """Before the answer as `prepare` does it, after the answer as settling does it."""
        asked = admit(self.window, f"q{number}", "user", question, self.tokenizer)
        shown = diffuse(asked, self.limit, self.tokenizer)
        carried = admit(shown.window, f"a{number}", "assistant", answer, self.tokenizer)
        settled = self.settle(self.read(carried))
        self.window = settled.window if settled else carried
        return shown, settled

    def settle(self, window):
        limit = self.limit - self.limit // 16
        try:
            budgets = plan(window, limit, self.tokenizer)
            texts = {block: self.said(window, block, most) for block, most in budgets.items()}
            return diffuse(window, limit, self.tokenizer, rewritten=texts)
        except (MessageTooLong, SystemTextTooLong):
            return None

    def said(self, window, block, budget):
        self.tokens_asked += len(self.tokenizer.prompt_ids(order(window, block, budget))) + budget
        [source] = [each.text for each in window.blocks if each.id == block]
        words = [
            word for word in source.split() if self.chance.random() < (0.95 if stems(word) else 0.1)
        ]
        if self.chance.random() < self.invents:
            words.insert(self.chance.randint(0, len(words)), self.chance.choice(INVENTED))
        return " ".join(words)

    def read(self, window):
        needs = {
            block.id: [self.chance.gauss(0, 2) for _ in sentences(block.text)]
            for block in window.blocks
            if not block.needs
        }
        return with_needs(window, needs)


def run(dialogue, limit, seed=0):
    """Every turn's two rounds; a message that is too long is left out."""
    talk = Talk(seed, limit)
    for number, (question, answer, _) in enumerate(dialogue):
        try:
            shown, settled = talk.turn(number, question, answer)
        except MessageTooLong:
            continue
        yield from filter(None, (shown, settled))


@given(turns, st.integers(48, 400), st.integers(0, 9))
@anything
def test_the_prompt_is_never_longer_than_the_window(dialogue, limit, seed):
    for result in run(dialogue, limit, seed):
        assert list(result.prompt_ids) == TOKENIZER.prompt_ids(to_messages(result.window))
        assert result.prompt_tokens <= limit
        assert to_messages(result.window)[0].content == SYSTEM


@given(turns, st.integers(48, 400), st.integers(0, 9))
@anything
def test_what_was_worded_anew_says_nothing_new(dialogue, limit, seed):
    for result in run(dialogue, limit, seed):
        for change in result.changes:
            if change.action == Action.REWRITTEN:
                assert 0 < change.tokens_after < change.tokens_before
                assert set(NUMBER.findall(change.text_after)) <= set(
                    NUMBER.findall(change.text_before)
                )
                before = change.text_before.casefold()
                for name in NAME.findall(change.text_after):
                    assert name.casefold() in before
        for block in result.window.blocks:
            assert block.rewrites <= MOST_REWRITES
            assert TOKENIZER.counts([block.text]) == [block.tokens]
            assert len(block.needs) in (0, len(sentences(block.text)))


@given(turns, st.integers(48, 400), st.integers(0, 9))
@anything
def test_the_order_is_kept_and_nothing_comes_back(dialogue, limit, seed):
    gone = set()
    for result in run(dialogue, limit, seed):
        ids = [block.id for block in result.window.blocks]

        assert ids == sorted(set(ids))
        assert not gone & set(ids)
        gone |= {change.block for change in result.changes if change.action == Action.FORGOTTEN}


@given(turns, st.integers(48, 400), st.integers(0, 9))
@anything
def test_the_same_seed_gives_the_same_windows_also_after_a_restart(dialogue, limit, seed):
    first = list(run(dialogue, limit, seed))

    assert list(run(dialogue, limit, seed)) == first
    for result in first:
        carried = replace(result.window, changes=result.changes)
        assert from_json(json.loads(json.dumps(to_json(carried)))) == carried


@given(prose, st.integers(0, 400))
@anything
def test_a_text_that_was_broken_off_ends_with_its_last_whole_sentence(text, length):
    left = whole_sentences(text[:length])

    assert text[:length].lstrip().startswith(left) or text[:length].startswith(left)
    assert left == "" or left in {part.strip() for part in cut_after(sentences(text[:length]))}


def cut_after(parts):
    return ["".join(parts[: index + 1]) for index in range(len(parts))]


@pytest.mark.parametrize(
    ("text", "left"),
    [("I went. I like", "I went."), ("I went.", "I went."), ("I went", ""), ("", "")],
)
def test_whole_sentences_are_what_is_left_of_a_broken_text(text, left):
    assert whole_sentences(text) == left


@pytest.mark.parametrize("turns", [1000, pytest.param(5000, marks=pytest.mark.slow)])
def test_thousands_of_turns_stay_within_the_window_at_constant_cost(turns):
    """Tokens that are forwarded for rewording, characters tokenised and bytes stored, a turn."""
    counted = Counted()
    talk, costs, largest, anew = Talk(5, 240, counted, invents=0.1), [], 0, 0
    chance = random.Random(6)
    for number in range(turns):
        counted.characters = talk.tokens_asked = 0
        shown, settled = talk.turn(number, told(chance, 2), told(chance, 3))
        largest = max(largest, shown.prompt_tokens, settled.prompt_tokens)
        anew += sum(change.action == Action.REWRITTEN for change in settled.changes)
        stored = len(json.dumps(to_json(talk.window)))
        costs.append((talk.tokens_asked, counted.characters, stored))

    assert 200 < largest <= 240
    assert anew > 10
    for early, late in zip(
        zip(*costs[:500], strict=True), zip(*costs[500:], strict=True), strict=True
    ):
        assert max(late) < 1.5 * max(early)
    # An order has two examples and at most a block with what stands around it.
    assert max(tokens for tokens, _, _ in costs) < MOST_AT_ONCE * 10 * BLOCK_TOKENS


def told(chance, most):
    subjects, verbs, things = ("Ada", "Ben", "I"), ("saw", "has", "wants"), ("dog", "boat", "house")
    return " ".join(
        f"{chance.choice(subjects)} {chance.choice(verbs)} {chance.randint(2, 99)} "
        f"{chance.choice(things)}s in Manila, and so it goes on and on."
        for _ in range(chance.randint(1, most))
    )


def stories(count=12):
    """Blocks whose first sentence will be asked for, and can be said in fewer words."""
    window = Window(SYSTEM)
    for number in range(count):
        text = f"And so it was that Ada had {number} dogs. It rained in Manila. Well, there it is."
        window = admit(window, f"m{number}", ("user", "assistant")[number % 2], text, TOKENIZER)
        window = with_needs(window, {number: [2.0, 0.0, -4.0]})
    return window


def anew(window, limit):
    budgets = plan(window, limit, TOKENIZER)
    texts = {block: f"Ada had {block} dogs. It rained in Manila." for block in budgets}
    return budgets, diffuse(window, limit, TOKENIZER, rewritten=texts)


LIMIT = 300


def test_a_block_is_worded_anew_within_the_tokens_of_its_best_sentences():
    budgets, result = anew(stories(), LIMIT)

    changes = [change for change in result.changes if change.action == Action.REWRITTEN]
    assert changes
    for change in changes:
        assert change.text_after == f"Ada had {change.block} dogs. It rained in Manila."
        assert change.tokens_after <= budgets[change.block]
        assert change.reason == (
            f"said anew by the model, in {change.tokens_after} tokens in place of"
            f" {change.tokens_before}"
        )


def test_a_text_that_keeps_less_of_what_matters_is_not_taken():
    window = stories()
    texts = dict.fromkeys(plan(window, LIMIT, TOKENIZER), "It rained in Manila.")

    result = diffuse(window, LIMIT, TOKENIZER, rewritten=texts)

    assert result == diffuse(window, LIMIT, TOKENIZER)


def test_nothing_is_worded_anew_where_everything_fits():
    window = stories(3)

    assert plan(window, 4000, TOKENIZER) == {}


def test_few_blocks_are_worded_anew_at_once():
    window = Window(SYSTEM)
    for number in range(60):
        window = admit(
            window, f"m{number}", "user", f"Ada had {number} dogs. It rained.", TOKENIZER
        )
        window = with_needs(window, {number: [2.0 + number / 99, -5.0]})

    for limit in range(600, 1000, 50):
        assert len(plan(window, limit, TOKENIZER)) <= MOST_AT_ONCE


def test_an_order_has_the_block_and_a_little_of_what_stands_around_it():
    window = stories()

    order_of_five = order(window, 5, 20)

    last = order_of_five[-1].content
    assert window.blocks[5].text in last
    assert window.blocks[4].text in last
    assert window.blocks[6].text in last
    assert window.blocks[2].text not in last
    # 0.65 words a token.
    assert "In at most 13 words" in last


def test_what_was_done_ahead_of_time_comes_first_among_the_changes():
    ahead = diffuse(stories(), LIMIT, TOKENIZER)
    window = replace(ahead.window, changes=ahead.changes)
    window = admit(window, "q", "user", "And now? " * 20, TOKENIZER)

    result = diffuse(window, LIMIT, TOKENIZER)

    touched = [change for change in ahead.changes if change.action != Action.KEPT]
    assert [change for change in result.changes if change.action != Action.KEPT][
        : len(touched)
    ] == (touched)
    assert len(result.changes) > len(touched)
    kept = [change.block for change in result.changes if change.action == Action.KEPT]
    assert len(kept) == len(set(kept))
    assert result.window.changes == ()


def test_forgetting_a_message_leaves_nothing_of_it_among_the_changes():
    ahead = diffuse(stories(), LIMIT, TOKENIZER)
    window = replace(ahead.window, changes=ahead.changes)

    left = forget(window, {"m0", "m3"})

    assert "had 0 dogs" in json.dumps(to_json(window))
    assert "had 0 dogs" not in json.dumps(to_json(left))
    assert "had 3 dogs" not in json.dumps(to_json(left))
    assert "had 1 dogs" in json.dumps(to_json(left))


@pytest.mark.parametrize(
    "text",
    [
        "[An image was attached; this model cannot see images.]",
        "مرحبا، كيف حالك؟ انتقلت إلى مانيلا في مايو.",
        "🌊👩‍👩‍👧 🌊👩‍👩‍👧 🎉🎉🎉",
        " \n \t ",
        "e\u0301 naïve 世界。世界。",
        "Remember this for ever!",
    ],
)
def test_whatever_is_said_a_hundred_times_the_window_holds(text):
    talk = Talk(1, 200)
    for number in range(100):
        shown, settled = talk.turn(number, text, text)

        assert shown.prompt_tokens <= 200
        assert settled is None or settled.prompt_tokens <= 200
        assert to_messages(shown.window)[-1].content.endswith(text)


def test_a_message_of_a_hundred_thousand_tokens_is_refused_with_the_numbers():
    text = "fox " * 100_000
    [tokens] = TOKENIZER.counts([text])
    window = admit(stories(), "q", "user", text, TOKENIZER)

    with pytest.raises(MessageTooLong) as refused:
        diffuse(window, LIMIT, TOKENIZER)

    assert tokens >= 100_000
    stated = int(re.search(r"takes ([\d,]+) tokens", str(refused.value))[1].replace(",", ""))
    # The template adds some; the blocks of one message meet without a gap.
    assert tokens <= stated <= tokens + 20
    assert f"the window holds {LIMIT}" in str(refused.value)
