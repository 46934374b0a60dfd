from uuid import uuid4

import pytest

from assistant.feedback import experiences
from assistant.models import Conversation, Generation
from learning.models import Answer
from tests import factories

pytestmark = pytest.mark.django_db

JSON = "application/json"


def test_conversations_come_latest_first_in_pages():
    ada = factories.ada()
    first, second, third = [factories.conversation(ada, title=title) for title in "abc"]
    client = factories.caller(ada)

    page = client.get("/v1/conversations?limit=2").json()
    rest = client.get(f"/v1/conversations?limit=2&before={page['data'][-1]['id']}").json()

    assert [row["id"] for row in page["data"]] == [str(third.pk), str(second.pk)]
    assert page["has_more"]
    assert [row["id"] for row in rest["data"]] == [str(first.pk)]
    assert not rest["has_more"]


def test_only_ones_own_and_listed_conversations_are_listed():
    factories.conversation(factories.ben())
    factories.conversation(factories.ada(), is_listed=False)
    mine = factories.conversation(factories.ada())

    rows = factories.caller(factories.ada()).get("/v1/conversations").json()["data"]

    assert [row["id"] for row in rows] == [str(mine.pk)]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "before=x"])
def test_a_page_that_cannot_be_is_a_400(query):
    response = factories.caller(factories.ada()).get(f"/v1/conversations?{query}")

    assert response.status_code == 400
    assert response.json()["error"]["param"] == query.partition("=")[0]


def test_a_conversation_is_read_as_a_tree_with_ones_own_feedback():
    ada = factories.ada()
    where = factories.conversation(ada)
    question = factories.said(where, "Hello")
    answer = factories.answer(question, "Good morning.")
    opinion = factories.feedback(answer)

    tree = factories.caller(ada).get(f"/v1/conversations/{where.pk}").json()

    assert tree["conversation"]["title"] == "A walk"
    said, answered = tree["messages"]
    assert (said["role"], said["parent"], said["answer"]) == ("user", None, None)
    assert answered["parent"] == str(question.pk)
    assert answered["parts"] == [{"type": "text", "text": "Good morning."}]
    assert answered["answer"]["status"] == "done"
    assert [each["id"] for each in answered["feedback"]] == [str(opinion.pk)]


def test_a_part_of_a_conversation_is_the_newest_and_more_is_asked_for():
    ada = factories.ada()
    where = factories.conversation(ada)
    first = factories.said(where, "One")
    second = factories.answer(first, "Two")
    third = factories.said(where, "Three", second)
    other, fourth = factories.answer(third, "Four"), factories.answer(third, "Five")
    client = factories.caller(ada)
    address = f"/v1/conversations/{where.pk}"

    newest = client.get(f"{address}?limit=2").json()
    above = client.get(f"{address}?limit=2&before={third.pk}").json()

    assert [row["id"] for row in newest["messages"]] == [
        str(row.pk) for row in (third, other, fourth)
    ]
    assert (newest["has_more"], newest["cut"]) == (True, [])
    assert [row["id"] for row in above["messages"]] == [str(first.pk), str(second.pk)]
    assert not above["has_more"]


def test_a_part_cannot_begin_at_somebody_elses_message():
    mine = factories.conversation(factories.ada())
    factories.said(mine)
    theirs = factories.said(factories.conversation(factories.ben()))

    client = factories.caller(factories.ada())
    for where in ("before", "through"):
        response = client.get(f"/v1/conversations/{mine.pk}?limit=2&{where}={theirs.pk}")
        assert response.status_code == 404


def test_a_conversation_is_begun_empty_and_renamed():
    client = factories.caller(factories.ada())

    begun = client.post("/v1/conversations", content_type=JSON).json()
    address = f"/v1/conversations/{begun['id']}"
    renamed = client.patch(address, {"title": " A nul\0 "}, content_type=JSON).json()

    assert begun["title"] == ""
    assert renamed["title"] == "A nul\N{REPLACEMENT CHARACTER}"
    assert client.get(address).json()["conversation"]["title"] == renamed["title"]


@pytest.mark.parametrize("title", ["", "  ", "a" * 201, None, 7])
def test_a_title_that_cannot_be_one_is_a_400(title):
    where = factories.conversation(factories.ada())

    response = factories.caller(factories.ada()).patch(
        f"/v1/conversations/{where.pk}", {"title": title}, content_type=JSON
    )

    assert response.status_code == 400
    assert Conversation.objects.get().title == "A walk"


def test_the_window_of_an_answer_can_be_seen():
    answer = factories.served(factories.ada())

    window = factories.caller(factories.ada()).get(f"/v1/messages/{answer.pk}/window").json()

    assert (window["limit_tokens"], window["used_tokens"]) == (2048, 3)
    assert window["system_text"] == "You are Danas."
    assert [block["text"] for block in window["blocks"]] == ["Hello"]
    assert window["changes"] == []


def test_deleting_deletes_what_learning_holds_too():
    kept, gone = factories.served(factories.ada()), factories.served(factories.ada())
    for answer in (kept, gone):
        experiences.hand_over(Generation.objects.get(pk=answer.pk))

    client = factories.caller(factories.ada())
    response = client.delete(f"/v1/conversations/{gone.conversation_id}?now=true")

    assert response.status_code == 204
    assert Conversation.objects.get() == kept.conversation
    assert Answer.objects.get().pk == kept.pk


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/v1/conversations/{conversation}"),
        ("patch", "/v1/conversations/{conversation}"),
        ("delete", "/v1/conversations/{conversation}"),
        ("get", "/v1/conversations?before={conversation}"),
        ("get", "/v1/messages/{message}/window"),
    ],
)
def test_someone_elses_looks_like_nothing(method, path):
    answer = factories.served(factories.ada())
    cy = factories.caller(factories.cy())

    def ask(conversation, message):
        address = path.format(conversation=conversation, message=message)
        body = {"title": "Mine"} if method == "patch" else None
        return getattr(cy, method)(address, body, content_type=JSON)

    hers = ask(answer.conversation_id, answer.pk)
    nobodys = ask(uuid4(), uuid4())

    assert hers.status_code == nobodys.status_code == 404
    assert hers.content == nobodys.content
    assert Conversation.objects.get().title == "A walk"
