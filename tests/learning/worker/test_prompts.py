"""Logged prompts with pictures and tools, and what tools are said to have told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inference.contracts import Call, ChatMessage, FinishReason, Sample
from inference.storage import Storage
from learning import intake
from learning.errors import PicturesMissing
from learning.models import Answer
from learning.policy.episodes import Unknown
from learning.policy.pictures import SeenPrompt
from learning.worker.prompts import opening_of, prompt_of, readable
from learning.worker.recorded import RecordedTools, key_of, results_in

from .. import rows, tiny

pytestmark = pytest.mark.django_db

SUM = Call("c", "calculator", '{"expression": "6 * 7"}')
TOOL = {"name": "calculator", "description": "", "parameters": {}}
ASKED = ChatMessage("user", "What is six times seven?")


def logged(**more) -> Answer:
    served = replace(rows.served(), **more)
    intake.remember(served)
    return Answer.objects.get(pk=served.answer)


def chat(*messages: ChatMessage, **more):
    said = [message.to_json() for message in messages]
    return {"messages": said, "tools": [TOOL], "template": {}, "pictures": {}, **more}


@pytest.fixture
def with_call():
    """An answer in two steps: a call, then what was made of its result."""
    called = ChatMessage("assistant", "", calls=(SUM,))
    told = ChatMessage("tool", "6 * 7 = 42", call_id="c")
    return logged(chat=chat(ASKED, called, told))


def test_a_prompt_of_text_is_its_tokens():
    plain = logged()

    assert prompt_of(plain) == tuple(plain.prompt_token_ids)
    assert not isinstance(prompt_of(plain), SeenPrompt)


def test_a_prompt_with_a_picture_has_its_bytes(settings):
    storage = Storage(settings.FILES, settings.HOME.cache / "files", settings.STORAGE_OPTIONS)
    address = storage.write("images/a.png", b"bytes")
    image = {"id": "i", "digest": "d", "width": 8, "height": 4}
    asked = {"role": "user", "content": "What is it?", "images": [image]}
    pictures = {"d": {"address": address, "media_type": "image/png"}}
    answer = logged(chat=chat(pictures=pictures) | {"messages": [asked]})

    prompt = prompt_of(answer)

    assert prompt.pictures == (b"bytes",)
    assert tuple(prompt) == tuple(answer.prompt_token_ids)


def test_an_answer_whose_picture_is_gone_is_not_read():
    lost = {"d": {"address": "file:///nowhere/a.png", "media_type": "image/png"}}
    gone, plain = logged(chat=chat(ASKED, pictures=lost)), logged()

    with pytest.raises(PicturesMissing):
        prompt_of(gone)
    assert [answer for answer, _ in readable([gone, plain])] == [plain]


def test_training_begins_before_the_first_call(with_call):
    opening = opening_of(with_call, tiny.tokenizer())

    assert [message.role for message in opening.chat.messages] == ["user"]
    assert list(opening) == tiny.tokenizer().prompt_ids([ASKED], opening.chat.tools)


def test_a_call_that_was_logged_is_answered_as_it_was_then(with_call):
    tools = RecordedTools(tiny.tokenizer(), results_in([with_call]))
    opening = opening_of(with_call, tiny.tokenizer())
    # The same arguments, written otherwise.
    again = Call("other", "calculator", '{ "expression":"6 * 7" }')

    after = tools.go_on(opening, Sample("", (1,), (-0.1,), FinishReason.TOOL_CALLS, "", (again,)))

    assert after.chat.messages[-1] == ChatMessage("tool", "6 * 7 = 42", call_id="other")
    assert after.chat.messages[-2].calls == (again,)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (Call("c", "oracle", "{}"), "Error: There is no tool “oracle”. There are: calculator."),
        (Call("c", "calculator", "{6"), "Error: The arguments are no JSON object."),
    ],
)
def test_a_broken_call_is_told_so(with_call, call, said):
    tools = RecordedTools(tiny.tokenizer(), {})
    opening = opening_of(with_call, tiny.tokenizer())

    after = tools.go_on(opening, Sample("", (1,), (-0.1,), FinishReason.TOOL_CALLS, "", (call,)))

    assert after.chat.messages[-1].content == said


def test_of_any_other_call_nobody_knows_what_would_have_come(with_call):
    tools = RecordedTools(tiny.tokenizer(), {})
    opening = opening_of(with_call, tiny.tokenizer())

    with pytest.raises(Unknown):
        tools.go_on(opening, Sample("", (1,), (-0.1,), FinishReason.TOOL_CALLS, "", (SUM,)))


def test_an_answer_without_calls_ends_it(with_call):
    opening = opening_of(with_call, tiny.tokenizer())
    tools = RecordedTools(tiny.tokenizer(), {})

    assert tools.go_on(opening, Sample("42", (1,), (-0.1,), FinishReason.STOP)) is None


def test_arguments_are_the_same_in_any_order():
    one = Call("c", "f", '{"a": 1, "b": 2}')
    other = Call("d", "f", '{"b": 2, "a": 1}')

    assert key_of(one) == key_of(other)
    assert key_of(Call("c", "f", "[1]")) is None
