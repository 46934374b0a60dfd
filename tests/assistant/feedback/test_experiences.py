import pytest

from assistant.feedback import experiences
from assistant.models import Generation
from learning.contracts import FeedbackKind, Judgement, ServedAnswer
from learning.models import Answer
from tests import factories

pytestmark = pytest.mark.django_db


def generation(message):
    return Generation.objects.get(pk=message.pk)


def test_a_served_answer_is_what_was_sampled():
    message = factories.served(factories.ada())

    assert experiences.served(generation(message)) == ServedAnswer(
        answer=message.pk,
        person=factories.ada().pk,
        prompt_token_ids=(1, 2, 3),
        response_token_ids=(4, 5),
        logprobs=(-0.5, -0.25),
        temperature=0.2,
        top_p=0.9,
        policy="base",
    )


def test_a_judgement_carries_what_was_said():
    message = factories.served(factories.ada())
    feedback = factories.feedback(message, FeedbackKind.COMMENT, text="Too long.")

    assert experiences.judgement(feedback) == Judgement(
        feedback=feedback.pk,
        answer=message.pk,
        person=factories.ada().pk,
        kind=FeedbackKind.COMMENT,
        text="Too long.",
    )


@pytest.mark.parametrize("training", [True, False, None])
def test_an_answer_is_handed_over_with_consent_only(training):
    message = factories.served(factories.ada(training=training))

    is_learned = experiences.hand_over(generation(message))

    assert is_learned == (training is True)
    assert Answer.objects.exists() == (training is True)


def test_consent_counts_as_it_stands_when_the_answer_is_finished():
    ada = factories.ada(training=True)
    row = Generation.objects.select_related("message__conversation__owner").get(
        pk=factories.served(ada).pk
    )

    # The worker read the row when it began; meanwhile Ada changed her mind.
    type(ada).objects.filter(pk=ada.pk).update(training_consent=False)

    assert not experiences.hand_over(row)


def test_a_temporary_conversation_is_not_handed_over():
    message = factories.served(factories.ada(), is_temporary=True)

    assert not experiences.hand_over(generation(message))


def test_handing_over_asks_the_reward_worker_once_it_is_durable(
    monkeypatch, django_capture_on_commit_callbacks
):
    asked = []
    monkeypatch.setattr(experiences.queue, "ask_catch_up", lambda: asked.append(True))
    message = factories.served(factories.ada())

    with django_capture_on_commit_callbacks(execute=True):
        experiences.hand_over(generation(message))
        assert not asked

    assert asked
