"""Deleting all conversations of a person, or the account with everything in it.

Asking for it takes effect at once where it matters: conversations are out of sight, links and
copies are dead, learning has forgotten, a closed account lets nobody in. A worker then deletes the
rows in portions. Versions that were trained before keep what they learned; see
people.change_consent.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from assistant.accounts import roles
from assistant.errors import ConfirmationWrong
from assistant.memory import forgetting, profile
from assistant.models import ApiKey, Conversation, Erasure, Export, Image, Share, User
from assistant.tools import reminders
from learning import intake, queue, scopes

ERASE = "assistant.erase"


@transaction.atomic
def ask(person: User, *, with_account: bool, name: str) -> Erasure:
    """Have the password confirmed before. `name` is the person's own, typed as a confirmation.

    Raises:
        ConfirmationWrong: another name.
        LastAdministrator: nobody would be left to administer.
    """
    if name != person.username:
        raise ConfirmationWrong("Type your name exactly as it is shown.")
    if with_account:
        # Refuses the last administrator, ends sessions and closes sockets.
        roles.change(person, person.pk, is_active=False)
        ApiKey.objects.filter(owner=person).delete()
    now = timezone.now()
    Conversation.objects.filter(owner=person).update(deleted_at=now)
    profile.forget_person(person)
    reminders.forget_person(person)
    Share.objects.filter(owner=person).delete()
    Export.objects.filter(owner=person).delete()
    scopes.forget_person(person.pk)
    # The ledger, which intake writes to, comes last: its lock lasts until the commit.
    intake.forget_person(person.pk)
    erasure = _note(person, with_account=with_account, asked_at=now)
    transaction.on_commit(queue.ask_catch_up, robust=True)
    transaction.on_commit(lambda: ask_for_work(person.pk), robust=True)
    return erasure


def _note(person: User, *, with_account: bool, asked_at: datetime) -> Erasure:
    """Asked again, it is for all that there is by now."""
    defaults = {"with_account": with_account, "asked_at": asked_at}
    erasure, _ = Erasure.objects.update_or_create(owner=person, defaults=defaults)
    return erasure


def of(person: User) -> tuple[Erasure, int] | None:
    """What is being deleted, and how many conversations are still there."""
    erasure = Erasure.objects.filter(owner=person).first()
    return None if erasure is None else (erasure, _doomed(erasure).count())


def ask_for_work(person: int) -> None:
    current_app.send_task(ERASE, args=[person])


def ask_for_what_is_left() -> None:
    """Ask again for erasures that a lost worker left."""
    for person in Erasure.objects.values_list("owner", flat=True):
        ask_for_work(person)


def erase(person: int) -> None:
    """Carry out what was asked for. May be called twice, and goes on where it was left."""
    erasure = Erasure.objects.select_related("owner").filter(owner=person).first()
    if erasure is None:
        return
    owner = erasure.owner
    for conversation in _doomed(erasure).values_list("pk", flat=True):
        _forget(owner, conversation)
    for row in Image.objects.filter(owner=owner, conversation=None):
        row.delete()
    if erasure.with_account:
        owner.delete()
    else:
        # Asked for once more, or for the account too, it is another worker's.
        Erasure.objects.filter(pk=erasure.pk, asked_at=erasure.asked_at).delete()


def _doomed(erasure: Erasure) -> QuerySet[Conversation]:
    """What is begun after the asking stays, in an account that does."""
    every = Conversation.with_deleted.filter(owner=erasure.owner_id)
    if not erasure.with_account:
        every = every.filter(created_at__lte=erasure.asked_at)
    return every.order_by("pk")


def _forget(owner: User, conversation: UUID) -> None:
    """Gone already is as good."""
    if Conversation.with_deleted.filter(pk=conversation).exists():
        forgetting.forget_conversation(owner, conversation)
