from collections import Counter

from learning.evaluation import bank


def test_the_bank_covers_many_kinds_of_text():
    items = bank.load()

    kinds = Counter(item.kind for item in items)
    assert len(items) >= 60
    assert len(kinds) >= 8
    assert len({item.id for item in items}) == len(items)


def test_the_first_items_already_mix_the_kinds():
    assert len({item.kind for item in bank.load()[:32]}) >= 8


def test_openings_are_growing_parts_of_the_text():
    item = bank.Item("x", "fact", "?", "One. Two is longer! Three? Four.")

    assert item.openings() == ("One.", "One. Two is longer!", "One. Two is longer! Three? Four.")


def test_a_single_sentence_has_one_opening():
    assert bank.Item("x", "fact", "?", "Only this.").openings() == ("Only this.",)
