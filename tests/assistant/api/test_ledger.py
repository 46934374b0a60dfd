"""The ledger over HTTP, checked by somebody who trusts nothing but the lines."""

import json
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync

from assistant.api import ledger as views
from learning import ledger
from learning.ledger import FIRST, Kind
from learning.models import LedgerEntry
from tests import factories

pytestmark = pytest.mark.django_db

PAGE = (Path(__file__).parents[3] / "docs" / "learning.md").read_text()
CHECK = PAGE.split("```python\n")[1].split("```")[0]


@pytest.fixture
def rho():
    return factories.caller(factories.rho())


def wrote(count):
    body = {"tenth": 0.1, "tiny": 1e-7, "large": 1e22, "name": "naïve"}
    return [
        ledger.record(Kind.JUDGED, f"feedback {n}", {**body, "third": n / 3}) for n in range(count)
    ]


def does_hold(lines, folder, monkeypatch):
    """Run what docs/learning.md has people run."""
    (folder / "ledger.ndjson").write_text("".join(f"{line}\n" for line in lines))
    monkeypatch.chdir(folder)
    try:
        exec(CHECK, {})
    except AssertionError:
        return False
    return True


def lines_of(response):
    async def collect():
        return b"".join([chunk async for chunk in response.streaming_content])

    return async_to_sync(collect)().decode().splitlines()


def test_entries_come_in_order_and_in_pages(rho):
    wrote(3)

    first = rho.get("/v1/ledger?limit=2").json()
    rest = rho.get(f"/v1/ledger?after={first['data'][-1]['seq']}").json()

    assert [entry["seq"] for entry in first["data"]] == [1, 2]
    assert [entry["seq"] for entry in rest["data"]] == [3]
    assert first["head"] == rest["head"] == rest["data"][0]["digest"]


def test_an_empty_ledger_has_a_head_of_zeros(rho):
    assert rho.get("/v1/ledger").json() == {"data": [], "head": FIRST}


def test_anybody_can_check_the_lines_without_danas(rho, monkeypatch, tmp_path):
    monkeypatch.setattr(views, "PAGE_ENTRIES", 2)
    wrote(5)

    response = rho.get("/v1/ledger", headers={"Accept": "application/x-ndjson"})
    lines = lines_of(response)

    assert response["Content-Type"] == "application/x-ndjson"
    assert len(lines) == 5
    assert does_hold(lines, tmp_path, monkeypatch)
    assert not does_hold(lines[1:], tmp_path, monkeypatch)
    altered = [lines[0].replace("feedback 0", "feedback 9"), *lines[1:]]
    assert not does_hold(altered, tmp_path, monkeypatch)


def test_json_entries_can_be_checked_the_same_way(rho, monkeypatch, tmp_path):
    wrote(3)

    entries = rho.get("/v1/ledger").json()["data"]

    assert does_hold([json.dumps(entry) for entry in entries], tmp_path, monkeypatch)


def test_a_check_says_in_a_sentence_that_the_chain_holds(rho):
    *_, last = wrote(2)

    assert rho.get("/v1/ledger/check").json() == {
        "holds": True,
        "entries": 2,
        "head": last.digest,
        "sentence": "All 2 entries follow from one another.",
    }


def test_a_check_says_where_the_chain_is_broken(rho):
    wrote(3)
    LedgerEntry.objects.filter(seq=2).delete()

    found = rho.get("/v1/ledger/check").json()

    assert (found["holds"], found["sentence"]) == (False, "Entry 2 is missing.")


def test_a_kept_digest_shows_that_the_end_was_cut_off(rho):
    *_, last = wrote(3)
    last.delete()

    found = rho.get(f"/v1/ledger/check?kept={last.digest}").json()

    assert not found["holds"]
    assert "that you kept is not in the chain" in found["sentence"]


def test_a_kept_digest_has_to_be_one(rho):
    response = rho.get("/v1/ledger/check?kept=abc")

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "kept"


def test_every_kind_of_entry_is_explained():
    for kind in Kind:
        assert f"| `{kind}` |" in PAGE
