"""The researchers' feed: which trajectories, in which order, read in pages.

A place in the feed is given after the fact, by one transaction at a time, to rows that are already
committed. A number given when a row is written would not do: a transaction that began earlier can
commit later, and a reader that has gone past its number would never see the row.

Pages are read by place, each by its own short query, in place of a server-side cursor: it would
hold a transaction open for as long as the slowest reader reads.
"""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import Prefetch, Q, QuerySet

from assistant.models import Feedback, Release
from assistant.models.conversation import not_deleted

# Any constant will do: whoever gives places holds this advisory lock until the commit.
_PLACES_LOCK = 0x46454544
PAGE_ROWS = 100

# Consent is part of every statement here, so that no row is shown or given a place without it.
# An answer stopped before its first word has tokens but neither window nor text; it is left out.
CONSENTED = """
    SELECT t.generation_id AS id, t.created_at,
           array_remove(array_agg(f.id ORDER BY f.id), NULL) AS feedback
      FROM assistant_trajectory t
      JOIN assistant_generation g ON g.message_id = t.generation_id
      JOIN assistant_message m ON m.id = t.generation_id
      LEFT JOIN assistant_window w ON w.message_id = m.id
      JOIN assistant_conversation c ON c.id = m.conversation_id AND NOT c.is_temporary
                                    AND c.deleted_at IS NULL
      JOIN assistant_user u ON u.id = c.owner_id AND u.research_consent
      LEFT JOIN assistant_feedback f
             ON (f.message_id = m.id OR f.over_id = m.id) AND f.revoked_at IS NULL
     WHERE g.chat IS NOT NULL OR w.message_id IS NOT NULL
     GROUP BY t.generation_id
"""
GIVE_PLACES = f"""
    INSERT INTO assistant_release (trajectory_id, revision, feedback)
    SELECT s.id, 1, s.feedback FROM ({CONSENTED}) AS s
     WHERE NOT EXISTS (SELECT FROM assistant_release r WHERE r.trajectory_id = s.id)
     ORDER BY s.created_at
"""
MOVE_CHANGED = f"""
    UPDATE assistant_release r
       SET position = nextval(pg_get_serial_sequence('assistant_release', 'position')),
           revision = r.revision + 1, feedback = s.feedback
      FROM ({CONSENTED}) AS s
     WHERE r.trajectory_id = s.id AND r.feedback <> s.feedback
"""


@transaction.atomic
def give_places() -> None:
    """Put new trajectories, and those whose feedback changed, at the feed's end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PLACES_LOCK])
        cursor.execute(MOVE_CHANGED)
        cursor.execute(GIVE_PLACES)


def page(after: int, rows: int) -> list[Release]:
    """The next rows after the place `after`, with all that a format needs of them."""
    return list(_readable().filter(position__gt=after).order_by("position")[:rows])


def _readable() -> QuerySet[Release]:
    standing = Feedback.objects.filter(revoked_at=None).order_by("created_at")
    message = "trajectory__generation__message"
    return (
        Release.objects.filter(
            Q(**{f"{message}__conversation__owner__research_consent": True}),
            Q(**{f"{message}__conversation__is_temporary": False}),
            not_deleted(f"{message}__conversation"),
        )
        .select_related(f"{message}__conversation", f"{message}__window")
        .prefetch_related(
            Prefetch(f"{message}__feedback", queryset=standing.select_related("over"))
        )
    )
