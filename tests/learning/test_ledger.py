"""The chain: whatever is added keeps it whole, and any later change of it is found."""

import hashlib
import threading
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from learning import ledger
from learning.ledger import FIRST, Kind
from learning.models import LedgerEntry


def wrote(count=4):
    return [ledger.record(Kind.JUDGED, f"feedback {n}", {"version": n}) for n in range(count)]


def first_break():
    return ledger.verify(LedgerEntry.objects.order_by("seq"))


def test_a_digest_is_the_sha256_of_the_entry_as_canonical_json():
    at = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    canonical = (
        '{"at":"2026-01-02T03:04:05.000006+00:00","body":{"a":"ä","n":0.5},"kind":"judged",'
        f'"previous":"{FIRST}","seq":1,"subject":"x"}}'
    )

    digest = ledger.digest_of(1, "judged", "x", {"n": 0.5, "a": "ä"}, at, FIRST)

    assert digest == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.django_db
def test_each_entry_follows_from_the_one_before():
    first, second, *_ = wrote()

    assert (first.seq, first.previous) == (1, FIRST)
    assert (second.seq, second.previous) == (2, first.digest)
    assert first_break() is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"body": {"version": 7}},
        {"kind": Kind.REVOKED},
        {"subject": "other feedback"},
        {"at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"digest": "ab" * 32},
    ],
)
def test_an_altered_entry_is_found(change):
    wrote()
    LedgerEntry.objects.filter(seq=2).update(**change)

    assert first_break() == ledger.Break(2, "Entry 2 was altered.")


@pytest.mark.django_db
def test_an_entry_that_was_altered_and_hashed_anew_is_found_at_the_next():
    wrote()
    second = LedgerEntry.objects.get(seq=2)
    body = {"version": 7}
    forged = ledger.digest_of(2, second.kind, second.subject, body, second.at, second.previous)
    LedgerEntry.objects.filter(seq=2).update(body=body, digest=forged)

    assert first_break() == ledger.Break(3, "Entry 3 does not follow from the one before it.")


@pytest.mark.django_db
@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_missing_entry_is_found(missing):
    wrote()
    LedgerEntry.objects.filter(seq=missing).delete()

    assert first_break() == ledger.Break(missing + 1, f"Entry {missing} is missing.")


@pytest.mark.django_db
def test_entries_that_changed_places_are_found():
    wrote()
    LedgerEntry.objects.filter(seq=2).update(seq=99)
    LedgerEntry.objects.filter(seq=3).update(seq=2)
    LedgerEntry.objects.filter(seq=99).update(seq=3)

    assert first_break() == ledger.Break(2, "Entry 2 does not follow from the one before it.")


@pytest.mark.django_db
def test_a_chain_cut_short_is_found_by_whoever_kept_a_digest():
    *_, last = wrote()
    assert ledger.check(kept=last.digest).holds

    LedgerEntry.objects.filter(seq=last.seq).delete()

    assert ledger.check().holds
    found = ledger.check(kept=last.digest)
    assert not found.holds
    assert "you kept is not in the chain" in found.sentence


@pytest.mark.django_db
def test_a_check_says_how_many_entries_there_are_and_the_newest_digest():
    assert ledger.check() == ledger.Check(True, 0, FIRST, "Nothing was written down yet.")

    *_, last = wrote(3)

    says = "All 3 entries follow from one another."
    assert ledger.check() == ledger.Check(True, 3, last.digest, says)
    assert ledger.head() == last.digest


@pytest.mark.django_db
def test_a_part_can_be_checked_from_any_entry_on():
    wrote()
    LedgerEntry.objects.filter(seq=2).update(subject="other feedback")

    assert ledger.since(3) is None
    assert ledger.since(2) == ledger.Break(2, "Entry 2 was altered.")
    assert ledger.since(1) == ledger.Break(2, "Entry 2 was altered.")


# Each is written by Python in one way and may be read from PostgreSQL in another.
AWKWARD = {
    "tenth": 0.1,
    "third": 1 / 3,
    "smallest": 5e-324,
    "tiny": 1e-7,
    "whole": 1.0,
    "negative zero": -0.0,
    "integer": 2**70,
    "nested": {"b": [1, 2.50, {"z": None, "a": True}], "a": "naïve „text“ \U0001f411"},
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", AWKWARD)
def test_numbers_and_text_survive_the_database(name):
    written = ledger.record(Kind.EXAMINED, "danas-v1", {name: AWKWARD[name]})

    read = LedgerEntry.objects.get()
    assert read.body == {name: AWKWARD[name]}
    assert repr(read.body) == repr(written.body)
    assert first_break() is None


@pytest.mark.django_db
@pytest.mark.parametrize("number", [1e22, 1.2345678901234567e20, 1e300])
def test_a_large_number_is_hashed_as_it_is_read_back(number):
    """PostgreSQL keeps it as a decimal without a point, so it comes back as an integer."""
    ledger.record(Kind.EXAMINED, "danas-v1", {"large": number})

    assert float(LedgerEntry.objects.get().body["large"]) == number
    assert first_break() is None


@pytest.mark.django_db
def test_keys_are_text_whatever_they_were():
    ledger.record(Kind.EXAMINED, "danas-v1", {10: "ten", 9: "nine"})

    assert LedgerEntry.objects.get().body == {"9": "nine", "10": "ten"}
    assert first_break() is None


@pytest.mark.django_db
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_a_number_is_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        ledger.record(Kind.EXAMINED, "danas-v1", {"auc": value})

    assert not LedgerEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_keep_one_chain():
    writers, each = 6, 5
    start = threading.Barrier(writers)

    def write(number):
        start.wait(10)
        for n in range(each):
            with transaction.atomic():
                ledger.record(Kind.JUDGED, f"{number}", {"n": n})
        connection.close()

    threads = [threading.Thread(target=write, args=[number]) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ledger.check().entries == LedgerEntry.objects.count() == 30
    assert first_break() is None


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_leaves_no_gap():
    with transaction.atomic():
        ledger.record(Kind.JUDGED, "feedback", {})
        transaction.set_rollback(True)

    ledger.record(Kind.JUDGED, "other feedback", {})

    assert [entry.seq for entry in LedgerEntry.objects.all()] == [1]
    assert first_break() is None
