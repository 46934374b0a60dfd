"""What is left of a person's words once they are deleted: nothing, wherever they went meanwhile.

Every table is looked through, and every file, so what is added later is looked at too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.conf import settings as django_settings
from django.utils import timezone

from assistant import tasks
from assistant.accounts import keys, passwords
from assistant.feedback import ratings
from assistant.feedback.ratings import Opinion
from assistant.images import uploads
from assistant.library import deletion
from assistant.models import Conversation, Folder, Message, Redaction, ReviewItem, User
from assistant.mydata import erasure, exports
from assistant.review import claims, decisions
from assistant.review.decisions import Ruling
from assistant.sharing import links
from assistant.trajectories import building, snapshots
from assistant.trajectories.filters import Filter
from learning import scopes
from learning.contracts import FeedbackKind
from learning.models import Answer, Participant, PersonEffect
from tests import factories
from tests.pictures import picture

pytestmark = pytest.mark.django_db
# In everything that Ada writes and is told, and in nothing else.
WORD = "zanzibar"
# Ids without words that stay, so that others can be told what is gone, and when it was.
KNOWN_BY_ID = {"Release", "SnapshotRow", "AuditEntry", "LedgerEntry", "Bulk"}
# Columns of people that are no foreign keys, since learning knows nobody by a row.
PERSONS = {"person"}


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.FILES = str(tmp_path / "people")
    settings.STORAGE = str(tmp_path / "shared")
    settings.REVIEW_TWICE = 0


def lived(ada: User) -> Conversation:
    """A conversation that went everywhere: searched, shared, judged, reviewed, pulled, copied."""
    folder = Folder.objects.create(owner=ada, name=WORD)
    where = factories.conversation(ada, title=WORD, system_text=WORD, folder=folder)
    image = uploads.take_in(ada, picture())
    uploads.attach(ada, where, [image.pk])
    question = factories.said(where, WORD)
    shown = {"type": "image", "image": str(image.pk)}
    Message.objects.filter(pk=question.pk).update(parts=[*question.parts, shown])
    factories.note(ada, WORD, source=question)
    answer, other = factories.answer(question, WORD), factories.answer(question, f"{WORD} too")
    links.share(ada, where.pk, answer.pk, with_name=True)
    _judged(ada, answer)
    Redaction.objects.create(conversation=where, words=other.text, is_undone=True)
    exports.build(exports.ask(ada).pk)
    building.build(snapshots.ask(factories.rho(), "native", Filter()).pk)
    return where


def _judged(ada: User, answer: Message) -> None:
    ratings.rate(ada, Opinion(answer.pk, FeedbackKind.COMMENT, WORD))
    ratings.rate(ada, Opinion(answer.pk, FeedbackKind.CORRECTION, WORD))
    ratings.rate(ada, Opinion(answer.pk, FeedbackKind.UP))
    rae = factories.rae()
    for item in ReviewItem.objects.filter(kind=FeedbackKind.CORRECTION):
        held = claims.claim(rae, item.pk)
        decisions.decide(rae, item.pk, held.token, Ruling("correct", text=f"{WORD}!", note=WORD))


def forget_conversation(ada: User, where: Conversation) -> None:
    deletion.delete_now(ada, where.pk)
    Folder.objects.all().delete()


def delete_with_undo(ada: User, where: Conversation) -> None:
    deletion.delete(ada, [where.pk])
    long_ago = timezone.now() - timedelta(minutes=1)
    Conversation.with_deleted.update(deleted_at=long_ago)
    deletion.purge()
    Folder.objects.all().delete()


def delete_everything(ada: User, where: Conversation) -> None:
    erasure.ask(ada, with_account=False, name="ada")
    erasure.erase(ada.pk)
    Folder.objects.all().delete()


def delete_account(ada: User, where: Conversation) -> None:
    erasure.ask(ada, with_account=True, name="ada")
    erasure.erase(ada.pk)


def places_of(*needles: str) -> set[str]:
    """Tables that hold one of these, in whatever column."""
    return {
        model.__name__
        for model in apps.get_models()
        for row in model._base_manager.values_list()
        if any(needle in str(row) for needle in needles)
    }


def kept_files() -> Iterator[Path]:
    for folder in (django_settings.FILES, django_settings.STORAGE):
        yield from (path for path in Path(folder).rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "forget", [forget_conversation, delete_with_undo, delete_everything, delete_account]
)
def test_nothing_is_left_of_what_was_said(forget):
    ada = factories.ada()
    where = lived(ada)
    ids = [str(pk) for pk in [where.pk, *Message.objects.values_list("pk", flat=True)]]
    assert {"SearchEntry", "Note", "Decision", "Judgement", "Experience"} <= places_of(WORD)
    assert Answer.objects.exists()
    assert len(list(kept_files())) > 2

    forget(ada, where)
    tasks.tend_feed()
    tasks.sweep_files()

    assert places_of(WORD) == set()
    assert places_of(*ids) <= KNOWN_BY_ID
    assert list(kept_files()) == []


def test_nothing_is_left_that_says_whose_account_it_was():
    ada = factories.ada()
    where = lived(ada)
    factories.browser(ada)
    keys.create(ada)
    EmailAddress.objects.create(user=ada, email=f"{WORD}@example.org", verified=True)
    passwords.make_link(ada, by=factories.ann())
    scopes.choose(ada.pk, "base")
    Participant.objects.create(person=ada.pk, number=1)
    PersonEffect.objects.create(person=ada.pk, head=b"", judgements=1, version=1)
    ada_pk = ada.pk
    assert {"Participant", "PolicyChoice", "ResetLink"} <= belonging_to(ada_pk)

    delete_account(ada, where)
    tasks.sweep_files()

    assert belonging_to(ada_pk) == set()
    assert places_of(WORD) == set()


def belonging_to(person: int) -> set[str]:
    """Tables with a column that names a person, and in it this one."""
    return {
        model.__name__
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.name in PERSONS or field.related_model is User
        if model._base_manager.filter(**{field.attname: person}).exists()
    }
