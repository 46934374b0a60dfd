"""`/v1/chat/completions` through a real server, against the unmodified `openai` package."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID, uuid4

import openai
import pytest
from channels.db import database_sync_to_async

from assistant.models import Generation, Message, Trajectory
from inference import registry
from tests import factories
from tests.fakes import Answer

HELLO = [{"role": "user", "content": "Hello"}]
PATH = "/v1/chat/completions"


async def chunks_of(stream):
    return [chunk async for chunk in stream]


async def test_an_answer_in_one_piece(site, connect):
    async with site("Rain is water.") as running:
        client, _ = await connect(running)
        answer = await client.chat.completions.create(model="danas", messages=HELLO)

    choice = answer.choices[0]
    assert (choice.message.role, choice.message.content) == ("assistant", "Rain is water.")
    assert choice.finish_reason == "stop"
    # Seven words of the system text and "Hello", each message's own token; three words, the end.
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (10, 4)
    assert answer.usage.total_tokens == 14
    assert answer.model == "base"
    message = await Message.objects.select_related("parent").aget(pk=UUID(answer.id))
    assert (message.text, message.parent.text) == ("Rain is water.", "Hello")


async def test_an_answer_as_a_stream(site, connect):
    async with site("Rain is water.") as running:
        client, _ = await connect(running)
        chunks = await chunks_of(
            await client.chat.completions.create(
                model="danas",
                messages=HELLO,
                stream=True,
                stream_options={"include_usage": True},
            )
        )

    *spoken, last, figures = chunks
    assert spoken[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content for chunk in spoken) == "Rain is water."
    assert last.choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in [*spoken, last])
    assert (figures.choices, figures.usage.completion_tokens) == ([], 4)
    assert len({chunk.id for chunk in chunks}) == 1
    assert await Trajectory.objects.filter(pk=UUID(chunks[0].id)).aexists()


async def test_the_synchronous_client_works_too(site, make_key):
    async with site("Hello there.") as running:
        client = openai.OpenAI(base_url=f"{running.url}/v1", api_key=await make_key())
        answer = await asyncio.to_thread(
            client.chat.completions.create, model="base", messages=HELLO
        )
        models = await asyncio.to_thread(client.models.list)
        await asyncio.to_thread(client.close)

    assert answer.choices[0].message.content == "Hello there."
    assert [model.id for model in models.data] == ["danas", "base"]


async def test_the_stream_is_what_openai_sends(site, connect):
    async with site("Hi you") as running:
        _, plain = await connect(running)
        body = {"model": "danas", "messages": HELLO, "stream": True}
        response = await plain.post(PATH, json=body)

    lines = [line for line in response.text.split("\n\n") if line]
    assert response.headers["content-type"] == "text/event-stream"
    assert lines[-1] == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)
    assert not any("usage" in chunk for chunk in chunks)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert deltas[-1] == {}


async def test_signs_of_every_script_arrive_whole(site, connect):
    text = 'Ein „Straßen-Café"\n\\ 日本 🙂\u2028 end'
    async with site(text) as running:
        client, _ = await connect(running)
        whole = await client.chat.completions.create(model="danas", messages=HELLO)
        stream = await client.chat.completions.create(model="danas", messages=HELLO, stream=True)
        streamed = [chunk.choices[0].delta.content or "" async for chunk in stream]

    assert whole.choices[0].message.content == "".join(streamed) == text


async def test_sampling_parameters_reach_the_engine(site, connect):
    async with site("Hello there.") as running:
        client, _ = await connect(running)
        await client.chat.completions.create(
            model="danas",
            messages=HELLO,
            temperature=0.7,
            top_p=0.5,
            max_completion_tokens=7,
            seed=11,
            stop="END",
            user="ignored",
            extra_body={"ignore_eos": True, "whatever": [1]},
        )
        asked = running.engine.completions[0].body

    assert (asked["temperature"], asked["top_p"], asked["max_tokens"]) == (0.7, 0.5, 7)
    assert (asked["seed"], asked["stop"], asked["ignore_eos"]) == (11, ["END"], True)


async def test_an_answer_cut_at_max_tokens_says_so(site, connect):
    async with site("one two three four") as running:
        client, _ = await connect(running)
        answer = await client.chat.completions.create(model="danas", messages=HELLO, max_tokens=2)

    assert answer.choices[0].message.content == "one two"
    assert answer.choices[0].finish_reason == "length"


async def test_the_whole_list_of_messages_is_the_prompt(site, connect):
    messages = [
        {"role": "developer", "content": "a"},
        {"role": "user", "content": [{"type": "text", "text": "bb"}]},
        {"role": "assistant", "content": "ccc"},
        {"role": "user", "content": "dddd"},
    ]
    async with site() as running:
        client, _ = await connect(running)
        await client.chat.completions.create(model="danas", messages=messages)
        prompt = running.engine.prompts[0]

    # A message is a 1, then 3 and the length of each word.
    assert prompt == [1, 4, 1, 5, 1, 6, 1, 7]


async def test_a_stored_conversation_goes_on_from_its_newest_answer(site, connect):
    async with site("First.", "Second.") as running:
        client, plain = await connect(running)
        begun = (await plain.post("/v1/conversations")).json()["id"]
        answers = [
            await client.chat.completions.create(
                model="danas",
                messages=[{"role": "user", "content": said}],
                extra_body={"conversation": begun},
            )
            for said in ("My name is Ada.", "Who am I?")
        ]
        tree = (await plain.get(f"/v1/conversations/{begun}")).json()
        window = (await plain.get(f"/v1/messages/{answers[1].id}/window")).json()

    assert answers[0].conversation == answers[1].conversation == begun
    assert tree["conversation"]["title"] == "My name is Ada"
    assert [message["parent"] for message in tree["messages"]] == [
        None,
        *[message["id"] for message in tree["messages"][:-1]],
    ]
    assert [message["id"] for message in tree["messages"][1::2]] == [each.id for each in answers]
    assert "My name is Ada." in [block["text"] for block in window["blocks"]]


async def test_someone_elses_conversation_is_unknown(site, connect, make_key):
    mine = await database_sync_to_async(lambda: factories.conversation(factories.ada()))()
    async with site() as running:
        client, _ = await connect(running, factories.cy)
        for unknown in (mine.pk, uuid4()):
            with pytest.raises(openai.NotFoundError) as caught:
                await client.chat.completions.create(
                    model="danas", messages=HELLO, extra_body={"conversation": str(unknown)}
                )
            assert caught.value.code == "not_found"

    assert not await Message.objects.aexists()


async def test_an_answer_still_being_made_cannot_be_gone_on_from(site, connect):
    async with site(Answer("slow words", first_token_s=5)) as running:
        _, plain = await connect(running)
        begun = (await plain.post("/v1/conversations")).json()["id"]
        body = {"model": "danas", "messages": HELLO, "conversation": begun}
        first = asyncio.create_task(plain.post(PATH, json=body))
        while not running.engine.completions:
            await asyncio.sleep(0.01)
        second = await plain.post(PATH, json=body)
        first.cancel()

    assert second.status_code == 409
    assert second.json()["error"]["code"] == "answer_not_finished"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_engine_that_is_down_is_a_503_that_invites_a_retry(site, connect, stream):
    async with site() as running:
        client, _ = await connect(running)
        await running.engine.die()
        with pytest.raises(openai.InternalServerError) as caught:
            await client.chat.completions.create(model="danas", messages=HELLO, stream=stream)

    assert caught.value.status_code == 503
    assert caught.value.code == "engine_unavailable"
    assert caught.value.response.headers["retry-after"] == "2"


async def test_an_engine_that_dies_in_mid_answer_is_an_error_in_the_stream(site, connect):
    async with site(Answer("one two three", pace_s=0.2, dies_after=2)) as running:
        client, _ = await connect(running)
        stream = await client.chat.completions.create(model="danas", messages=HELLO, stream=True)
        heard = [(await anext(stream)).choices[0].delta.content for _ in range(3)]
        with pytest.raises(openai.APIError) as caught:
            await anext(stream)

    assert heard == ["", "one", " two"]
    assert caught.value.code == "engine_interrupted"


async def test_a_client_that_goes_away_stops_nothing(site, connect):
    async with site(Answer("one two three four five", pace_s=0.1)) as running:
        client, _ = await connect(running)
        stream = await client.chat.completions.create(model="danas", messages=HELLO, stream=True)
        first = await anext(aiter(stream))
        await stream.close()
        async with asyncio.timeout(30):
            while await Generation.objects.filter(status__in=Generation.OPEN).aexists():
                await asyncio.sleep(0.05)

    message = await Message.objects.aget(pk=UUID(first.id))
    assert message.text == "one two three four five"


async def test_a_prompt_longer_than_the_window_is_a_400(site, connect, settings):
    settings.WINDOW_TOKENS = 10
    async with site() as running:
        client, _ = await connect(running)
        for stream in (False, True):
            with pytest.raises(openai.BadRequestError) as caught:
                await client.chat.completions.create(
                    model="danas",
                    messages=[{"role": "user", "content": "word " * 10}],
                    stream=stream,
                )

    assert caught.value.code == "message_too_long"
    assert "19 tokens" in str(caught.value)


async def test_many_at_once_get_their_own_answers(site, connect):
    async with site("same words for everyone") as running:
        client, _ = await connect(running)
        answers = await asyncio.gather(
            *(client.chat.completions.create(model="danas", messages=HELLO) for _ in range(40))
        )

    assert len({answer.id for answer in answers}) == 40
    assert {answer.choices[0].message.content for answer in answers} == {"same words for everyone"}


def refused(**wrong):
    return {"model": "danas", "messages": HELLO, **wrong}


@pytest.mark.parametrize(
    ("body", "status", "param", "code"),
    [
        (refused(messages=[]), 400, "messages", "invalid"),
        (refused(messages="Hello"), 400, "messages", "invalid"),
        (refused(messages=[{"role": "assistant", "content": "Hi"}]), 400, "messages", "invalid"),
        (refused(messages=[{"role": "bard", "content": "Hi"}]), 400, "messages[0].role", "invalid"),
        (refused(messages=[{"role": "user", "content": " "}]), 400, None, "message_empty"),
        (refused(messages=[{"role": "user"}]), 400, None, "message_empty"),
        (refused(model="gpt-9"), 404, "model", "unknown_model"),
        (refused(model="a\0b"), 404, "model", "unknown_model"),
        (refused(model=""), 400, "model", "invalid"),
        ({"messages": HELLO}, 400, "model", "invalid"),
        (refused(temperature=2.1), 400, "temperature", "invalid"),
        (refused(temperature="hot"), 400, "temperature", "invalid"),
        (refused(top_p=0), 400, "top_p", "invalid"),
        (refused(max_tokens=0), 400, "max_tokens", "invalid"),
        (refused(seed=2**63), 400, "seed", "invalid"),
        (refused(n=2), 400, "n", "unsupported_parameter"),
        (refused(logprobs=True), 400, "logprobs", "unsupported_parameter"),
        (refused(tools=[{"type": "function"}]), 400, "tools[0].function", "invalid"),
        (refused(response_format={"type": "xml"}), 400, "response_format", "invalid"),
        (refused(conversation="mine"), 400, "conversation", "invalid"),
    ],
)
@pytest.mark.django_db
def test_a_request_that_cannot_be_answered_says_why(body, status, param, code):
    ada = factories.caller(factories.ada())

    response = ada.post(PATH, body, content_type="application/json")

    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (status, param, code)
    assert not Message.objects.exists()


@pytest.mark.django_db
def test_an_image_is_refused_for_a_model_that_reads_text():
    ada = factories.caller(factories.ada())
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}

    body = refused(messages=[{"role": "user", "content": [image]}])
    response = ada.post(PATH, body, content_type="application/json")

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "model_text_only"


@pytest.mark.django_db
def test_an_oversize_message_is_a_413(settings):
    settings.MESSAGE_BYTES = 10
    ada = factories.caller(factories.ada())

    body = refused(messages=[{"role": "user", "content": "a" * 11}])
    response = ada.post(
        PATH, json.dumps(body, separators=(",", ":")), content_type="application/json"
    )

    assert response.status_code == 413
    assert response.json()["error"]["code"] == "message_oversize"
    assert not Message.objects.exists()


@pytest.mark.django_db
def test_a_version_that_did_not_pass_its_gates_answers_nobody():
    staged = registry.stage("/adapters/x", "ab" * 32, registry.base(), {})
    ada = factories.caller(factories.ada())

    response = ada.post(PATH, refused(model=staged.name), content_type="application/json")

    assert response.status_code == 409
    assert response.json()["error"]["code"] == "policy_not_servable"
