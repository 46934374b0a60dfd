import json

import pytest

from assistant.texts import storable


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("plain", "plain"),
        ("日本 🙂", "日本 🙂"),
        (json.loads(r'"\ud83d\ude42"'), "🙂"),
        (json.loads(r'"cut \ud83d"'), "cut \N{REPLACEMENT CHARACTER}"),
        (json.loads(r'"\ude42 half"'), "\N{REPLACEMENT CHARACTER} half"),
        ("nu\0l", "nu\N{REPLACEMENT CHARACTER}l"),
    ],
)
def test_what_no_database_can_hold_is_replaced(sent, stored):
    assert storable(sent) == stored
    assert storable(sent).encode()
