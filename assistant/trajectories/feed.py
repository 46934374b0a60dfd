"""The researchers' feed: which trajectories, in which order, read in pages.

A place in the feed is given after the fact, by one transaction at a time, to rows that are already
committed. A number given when a row is written would not do: a transaction that began earlier can
commit later, and a reader that has gone past its number would never see the row.

What may no longer be seen gets a new place too, as a tombstone: whoever pulled it learns there that
it has to go.

Pages are read by place, each by its own short query, in place of a server-side cursor: it would
hold a transaction open for as long as the slowest reader reads.
"""

from __future__ import annotations

from django.db import connection, transaction

from assistant.trajectories.consent import CONSENTED

# Any constant will do: whoever gives places holds this advisory lock until the commit.
_PLACES_LOCK = 0x46454544

_NEXT = "nextval(pg_get_serial_sequence('assistant_release', 'position'))"
# One statement, so that all that may be seen is looked through once. Its parts touch other rows.
GIVE_PLACES = f"""
    WITH shown AS MATERIALIZED ({CONSENTED}),
    buried AS (
        UPDATE assistant_release r
           SET position = {_NEXT}, revision = r.revision + 1, is_tombstone = true,
               state = '', redactions = ''
         WHERE NOT r.is_tombstone
           AND NOT EXISTS (SELECT FROM shown WHERE shown.id = r.trajectory_id)
    ),
    moved AS (
        UPDATE assistant_release r
           SET position = {_NEXT}, revision = r.revision + 1, is_tombstone = false,
               state = shown.state, redactions = shown.redactions
          FROM shown
         WHERE r.trajectory_id = shown.id AND r.state <> shown.state
    )
    INSERT INTO assistant_release (trajectory_id, revision, is_tombstone, state, redactions)
    SELECT shown.id, 1, false, shown.state, shown.redactions FROM shown
     WHERE NOT EXISTS (SELECT FROM assistant_release r WHERE r.trajectory_id = shown.id)
     ORDER BY shown.created_at
"""


@transaction.atomic
def give_places() -> None:
    """Put what is new, has changed or is gone at the feed's end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PLACES_LOCK])
        cursor.execute(GIVE_PLACES)


def head() -> int:
    """The last place. All places up to it are taken for good."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(position), 0) FROM assistant_release")
        (place,) = cursor.fetchone()
    return int(place)


def stretch(after: int, up_to: int, rows: int) -> tuple[int, int]:
    """The last of the next `rows` places after one, and how many; (after, 0) at the end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(position), count(*) FROM (SELECT position FROM assistant_release"
            " WHERE position > %s AND position <= %s ORDER BY position LIMIT %s) AS next",
            [after, up_to, rows],
        )
        last, count = cursor.fetchone()
    return (int(last), int(count)) if count else (after, 0)
