"""Small recurring work of the website, on the queue `default`."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import shared_task
from django.conf import settings

from assistant import files
from assistant.accounts import email, sessions
from assistant.chat import events
from assistant.images import uploads
from assistant.library import deletion, titles
from assistant.memory import carrying
from assistant.mydata import erasure, exports
from assistant.operations import series
from assistant.review import describing
from assistant.review.items import DESCRIBE
from assistant.search import meaning
from assistant.tokens import tokenizer
from assistant.tools import calling, reminders
from assistant.tools.servers import listing
from assistant.trajectories import feed, snapshots
from inference import eviction
from inference.errors import InferenceError
from learning import canary, intake, queue, scopes
from learning.errors import NothingToLearnFrom, UpdateRunning

logger = logging.getLogger(__name__)
SCHEDULE = "schedule"


@shared_task(name="assistant.settle", ignore_result=True)
def settle() -> None:
    """Close answers whose worker is gone, and calls of tools that ended answers left open; ask
    again for learning's work that waits."""
    events.settle_stale()
    calling.expire_left()
    queue.ask_for_what_waits()


@shared_task(name="assistant.schedule_update", ignore_result=True)
def schedule_update() -> None:
    """Start an update when enough was learned, or when the last one is long ago.

    What nobody asked for is tried out before it goes live, and while it is, no other update starts
    by itself. Where none is due for everybody, somebody's own adapter may be.
    """
    is_due = intake.due_for_update(settings.UPDATE_EVENTS, settings.UPDATE_HOURS)
    try:
        if is_due and not canary.is_running():
            update = intake.request_update(by=SCHEDULE, canary=True)
        elif (person := scopes.due_for_update()) is not None:
            update = intake.request_update(by=SCHEDULE, canary=False, person=person)
        else:
            return
    except (UpdateRunning, NothingToLearnFrom):
        return
    queue.ask_update(update.pk)


@shared_task(name=canary.ADVANCE, ignore_result=True)
def advance_canary() -> None:
    """Look at the version on trial, if there is one."""
    canary.advance()


@shared_task(name="assistant.measure", ignore_result=True)
def measure() -> None:
    """Write down how busy everything is, for the page of administrators."""
    series.measure()


@shared_task(name=DESCRIBE, ignore_result=True)
def describe_reviews() -> None:
    """Find out what new items of the review queue are about, and put the queue in order."""
    describing.describe_all()
    describing.refresh()


@shared_task(name="assistant.evict_adapters", ignore_result=True)
def evict_adapters() -> None:
    """Unload adapters that the engines need not hold, and delete those whose owners withdrew."""
    try:
        eviction.make_room()
        eviction.delete_forgotten()
    except InferenceError as error:
        logger.warning("adapters stay loaded or stored for another minute: %s", error)


@shared_task(name=email.SEND_RESET, ignore_result=True)
def send_reset_link(named: str, language: str) -> None:
    """Mail a link to a new password to whoever has this name or address, if anybody does."""
    email.send_reset_link(named, language)


@shared_task(name=email.SEND_CONFIRMATION, ignore_result=True)
def send_confirmation(pk: int, language: str) -> None:
    """Ask the owner of an address whether it is theirs."""
    email.send_confirmation(pk, language)


@shared_task(name="assistant.clear_sessions", ignore_result=True)
def clear_sessions() -> None:
    """Forget sessions that have run out."""
    sessions.clear_expired()


@shared_task(name=deletion.PURGE, ignore_result=True)
def purge() -> None:
    """Really delete what was deleted long enough ago, and temporary chats that expired."""
    deletion.purge()


@shared_task(name=titles.TASK, ignore_result=True)
def title(answer: str) -> None:
    """Have the model name the conversation that this answer is the first of."""
    try:
        titles.name_by_model(UUID(answer))
    except InferenceError as error:
        logger.warning("a conversation keeps its first words for a title: %s", error.code)


@shared_task(name=carrying.CARRY_OVER, ignore_result=True)
def carry_over() -> None:
    """Make notes of what was said in conversations that are idle by now."""
    for conversation in carrying.idle():
        carrying.carry(conversation, tokenizer(), is_over=True)


@shared_task(name="assistant.remind", ignore_result=True)
def remind() -> None:
    """Tell people what they wanted to be reminded of by now."""
    reminders.fire()


@shared_task(name="assistant.list_tools", ignore_result=True)
def list_tools() -> None:
    """Ask tool servers what they offer, where the last answer is old."""
    listing.refresh()


@shared_task(name="assistant.understand", ignore_result=True)
def understand() -> None:
    """Make the vectors by which new messages are found by their meaning."""
    meaning.fill_in()


@shared_task(name=snapshots.BUILD, ignore_result=True)
def build_snapshot(pk: str) -> None:
    """Write a snapshot's files."""
    # pyarrow is large, and only the worker that happens to build one needs it.
    from assistant.trajectories import building

    building.build(UUID(pk))


@shared_task(name="assistant.tend_feed", ignore_result=True)
def tend_feed() -> None:
    """Mark in the researchers' feed what is gone, and delete snapshots that hold it."""
    feed.give_places()
    snapshots.tend()


@shared_task(name=files.SWEEP, ignore_result=True)
def sweep_files() -> None:
    """Delete images that were never said, copies whose time is over, and discarded files."""
    uploads.forget_unsaid()
    exports.expire()
    erasure.ask_for_what_is_left()
    try:
        files.sweep()
    except InferenceError as error:
        logger.warning("deleted files stay stored for a while: %s", error)


@shared_task(name=exports.BUILD, ignore_result=True)
def build_export(pk: str) -> None:
    """Write all that is a person's into a zip."""
    exports.build(UUID(pk))


@shared_task(name=erasure.ERASE, ignore_result=True)
def erase(person: int) -> None:
    """Delete what a person asked to be deleted."""
    erasure.erase(person)
