from uuid import uuid4

import pytest

from assistant.accounts import people
from assistant.errors import (
    AnswerNotFinished,
    FeedbackInvalid,
    IdentifierTaken,
    MessageOversize,
    NotFound,
    NotServed,
)
from assistant.feedback import ratings
from assistant.feedback.ratings import Opinion
from assistant.models import Feedback, Generation, Trajectory
from learning.contracts import FeedbackKind
from learning.models import Answer, Judgement
from tests import factories

pytestmark = pytest.mark.django_db

UP, DOWN = FeedbackKind.UP, FeedbackKind.DOWN
CORRECTION, COMMENT = FeedbackKind.CORRECTION, FeedbackKind.COMMENT
PREFERENCE = FeedbackKind.PREFERENCE


def standing():
    return {feedback.kind for feedback in Feedback.objects.filter(revoked_at=None)}


def learned():
    return {judgement.kind for judgement in Judgement.objects.filter(revoked_at=None)}


def test_a_thumb_is_written_down_and_learned():
    ada = factories.ada()
    answer = factories.served(ada)

    receipt = ratings.rate(ada, Opinion(answer.pk, UP, tags=["clear"]))

    assert receipt.is_learned
    assert (receipt.feedback.kind, receipt.feedback.tags) == (UP, ["clear"])
    judgement = Judgement.objects.get()
    assert judgement.feedback == receipt.feedback.pk
    assert judgement.answer.response_token_ids == [4, 5]


def test_without_consent_it_is_written_down_and_not_learned():
    ada = factories.ada(training=None)
    answer = factories.served(ada)

    receipt = ratings.rate(ada, Opinion(answer.pk, UP))

    assert not receipt.is_learned
    assert standing() == {UP}
    assert not Answer.objects.exists()


def test_a_temporary_conversation_is_never_learned_from():
    ada = factories.ada()
    answer = factories.served(ada, is_temporary=True)

    receipt = ratings.rate(ada, Opinion(answer.pk, UP))

    assert not receipt.is_learned
    assert not Answer.objects.exists()


def test_a_thumb_takes_the_place_of_the_other():
    ada = factories.ada()
    answer = factories.served(ada)

    ratings.rate(ada, Opinion(answer.pk, DOWN))
    ratings.rate(ada, Opinion(answer.pk, UP))

    assert standing() == learned() == {UP}
    assert Feedback.objects.count() == Judgement.objects.count() == 2


def test_the_same_thumb_again_changes_nothing():
    ada = factories.ada()
    answer = factories.served(ada)

    first = ratings.rate(ada, Opinion(answer.pk, UP))
    second = ratings.rate(ada, Opinion(answer.pk, UP))

    assert first == second
    assert Feedback.objects.count() == Judgement.objects.count() == 1


def test_a_correction_takes_the_place_of_the_earlier_and_leaves_the_thumb():
    ada = factories.ada()
    answer = factories.served(ada)

    ratings.rate(ada, Opinion(answer.pk, DOWN))
    ratings.rate(ada, Opinion(answer.pk, CORRECTION, text="Good evening."))
    ratings.rate(ada, Opinion(answer.pk, CORRECTION, text="Good night."))

    texts = [row.text for row in Feedback.objects.filter(kind=CORRECTION, revoked_at=None)]
    assert texts == ["Good night."]
    assert standing() == learned() == {DOWN, CORRECTION}


def test_comments_add_up():
    ada = factories.ada()
    answer = factories.served(ada)

    for text in ("Too long.", "And too loud."):
        ratings.rate(ada, Opinion(answer.pk, COMMENT, text=text))

    assert Feedback.objects.filter(revoked_at=None).count() == 2


def test_a_preference_takes_the_place_of_its_reverse():
    ada = factories.ada()
    answer = factories.served(ada)
    sibling = factories.answer(answer.parent, "Morning!")

    ratings.rate(ada, Opinion(answer.pk, PREFERENCE, over=sibling.pk))
    ratings.rate(ada, Opinion(sibling.pk, PREFERENCE, over=answer.pk))

    feedback = Feedback.objects.get(revoked_at=None)
    assert (feedback.message, feedback.over) == (sibling, answer)
    judgement = Judgement.objects.get(revoked_at=None)
    assert (judgement.answer_id, judgement.over_id) == (sibling.pk, answer.pk)


def test_a_preference_over_an_answer_to_something_else_is_refused():
    ada = factories.ada()
    answer, other = factories.served(ada), factories.served(ada)
    Trajectory.objects.filter(pk=other.pk).update(prompt_token_ids=[1, 2, 7])

    with pytest.raises(FeedbackInvalid, match="over: not an answer to the same message"):
        ratings.rate(ada, Opinion(answer.pk, PREFERENCE, over=other.pk))

    assert not Feedback.objects.exists()


def test_a_preference_between_two_requests_that_asked_the_same_is_taken():
    ada = factories.ada()
    answer, other = factories.served(ada), factories.served(ada)

    ratings.rate(ada, Opinion(answer.pk, PREFERENCE, over=other.pk))

    judgement = Judgement.objects.get()
    assert (judgement.answer_id, judgement.over_id) == (answer.pk, other.pk)


@pytest.mark.parametrize(
    ("kind", "text", "is_over", "complaint"),
    [
        (CORRECTION, "", False, "a correction has to say something"),
        (COMMENT, " \n", False, "a comment has to say something"),
        (PREFERENCE, "", False, "needed for a preference"),
        (UP, "", True, "only there"),
    ],
)
def test_kind_text_and_over_have_to_fit_together(kind, text, is_over, complaint):
    ada = factories.ada()
    answer = factories.served(ada)
    sibling = factories.answer(answer.parent)

    with pytest.raises(FeedbackInvalid, match=complaint):
        ratings.rate(ada, Opinion(answer.pk, kind, text, sibling.pk if is_over else None))

    assert not Feedback.objects.exists()


def test_an_answer_cannot_be_preferred_to_itself():
    answer = factories.served(factories.ada())

    with pytest.raises(FeedbackInvalid, match="itself"):
        ratings.rate(factories.ada(), Opinion(answer.pk, PREFERENCE, over=answer.pk))


def test_a_text_over_the_limit_is_refused(settings):
    settings.MESSAGE_BYTES = 8
    answer = factories.served(factories.ada())

    # Three signs of three bytes each make nine.
    with pytest.raises(MessageOversize, match="9 bytes; at most 8"):
        ratings.rate(factories.ada(), Opinion(answer.pk, COMMENT, text="あああ"))


def test_only_the_person_who_was_served_can_judge():
    answer = factories.served(factories.ada())

    with pytest.raises(NotServed) as hers:
        ratings.rate(factories.cy(), Opinion(answer.pk, UP))
    nobody = uuid4()
    with pytest.raises(NotServed) as nobodys:
        ratings.rate(factories.cy(), Opinion(nobody, UP))

    assert str(hers.value).replace(str(answer.pk), str(nobody)) == str(nobodys.value)
    assert not Feedback.objects.exists()


def test_ones_own_message_is_no_answer():
    answer = factories.served(factories.ada())

    with pytest.raises(NotServed):
        ratings.rate(factories.ada(), Opinion(answer.parent_id, UP))


@pytest.mark.parametrize("status", Generation.OPEN)
def test_an_answer_in_the_making_has_to_be_waited_for(status):
    ada = factories.ada()
    answer = factories.answer(factories.said(factories.conversation(ada)), status=status)

    with pytest.raises(AnswerNotFinished):
        ratings.rate(ada, Opinion(answer.pk, UP))


@pytest.mark.parametrize("status", [Generation.Status.FAILED, Generation.Status.INTERRUPTED])
def test_an_answer_that_failed_was_not_served(status):
    ada = factories.ada()
    answer = factories.answer(factories.said(factories.conversation(ada)), status=status)

    with pytest.raises(NotServed, match="not finished"):
        ratings.rate(ada, Opinion(answer.pk, UP))


def test_a_stopped_answer_can_be_judged():
    ada = factories.ada()
    question = factories.said(factories.conversation(ada))
    answer = factories.answer(question, "Good m", status=Generation.Status.STOPPED)

    assert ratings.rate(ada, Opinion(answer.pk, DOWN)).is_learned


def test_the_same_key_again_gives_the_same_receipt():
    ada = factories.ada()
    answer = factories.served(ada)
    comment = Opinion(answer.pk, COMMENT, text="Too long.")

    first = ratings.rate(ada, comment, key="k")
    ratings.rate(ada, Opinion(answer.pk, COMMENT, text="And too loud."))
    second = ratings.rate(ada, comment, key="k")

    assert first == second
    assert Feedback.objects.count() == 2


def test_a_key_cannot_stand_for_something_else():
    ada = factories.ada()
    answer = factories.served(ada)
    ratings.rate(ada, Opinion(answer.pk, UP), key="k")

    with pytest.raises(IdentifierTaken):
        ratings.rate(ada, Opinion(answer.pk, DOWN), key="k")

    assert standing() == {UP}


def test_a_key_is_a_persons_own():
    for person in (factories.ada(), factories.ben()):
        ratings.rate(person, Opinion(factories.served(person).pk, UP), key="k")

    assert Feedback.objects.count() == 2


def test_what_is_taken_back_is_learned_no_more_and_can_be_said_again():
    ada = factories.ada()
    answer = factories.served(ada)
    first = ratings.rate(ada, Opinion(answer.pk, UP)).feedback

    ratings.take_back(ada, first.pk)
    ratings.take_back(ada, first.pk)

    assert standing() == learned() == set()
    assert ratings.rate(ada, Opinion(answer.pk, UP)).feedback != first


def test_nobody_takes_back_what_someone_else_said():
    ada = factories.ada()
    feedback = ratings.rate(ada, Opinion(factories.served(ada).pk, UP)).feedback

    with pytest.raises(NotFound):
        ratings.take_back(factories.cy(), feedback.pk)

    assert standing() == {UP}


def test_feedback_after_consent_was_given_hands_the_answer_over():
    ada = factories.ada(training=False)
    answer = factories.served(ada)
    ratings.rate(ada, Opinion(answer.pk, UP))

    people.change_consent(ada, training=True, research=None)
    receipt = ratings.rate(ada, Opinion(answer.pk, UP))

    assert receipt.is_learned
    assert learned() == {UP}
