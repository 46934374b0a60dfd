import pytest

from tests.simulation.journal import Journal


async def count(seen: list[int]) -> int:
    seen.append(1)
    return len(seen)


async def test_what_was_done_is_read_from_the_file(tmp_path):
    seen: list[int] = []
    path = tmp_path / "deep" / "run.jsonl"

    first = await Journal(path).once("part", lambda: count(seen))
    second = await Journal(path).once("part", lambda: count(seen))

    assert (first, second, seen) == (1, 1, [1])


async def test_without_a_file_it_is_done_once_all_the_same():
    seen: list[int] = []
    journal = Journal(None)

    for _ in range(2):
        await journal.once("part", lambda: count(seen))

    assert seen == [1]


async def test_a_line_that_was_cut_off_is_done_again(tmp_path):
    path = tmp_path / "run.jsonl"
    Journal(path).note("one", 1)
    with path.open("a") as file:
        file.write('{"key": "two", "resu')

    journal = Journal(path)
    journal.note("two", 2)

    assert "one" in journal
    assert "two" in Journal(path)


def test_another_plan_does_not_go_on_with_a_journal(tmp_path):
    path = tmp_path / "run.jsonl"
    Journal(path).claim({"seed": 0})

    Journal(path).claim({"seed": 0})
    with pytest.raises(ValueError, match="another run"):
        Journal(path).claim({"seed": 1})
