from uuid import UUID

import pytest

from assistant.chat.branches import Part, Place, part
from assistant.errors import NotFound


def u(number: int) -> UUID:
    return UUID(int=number)


def places(*pairs: tuple[int, int | None]) -> list[Place]:
    return [Place(u(one), None if parent is None else u(parent)) for one, parent in pairs]


def numbers(found: Part) -> tuple[list[int], bool, list[int]]:
    return sorted(one.int for one in found.messages), found.has_more, [one.int for one in found.cut]


# Ids are in the order of their times.
#   1 ── 2 ── 3 ── 4 ── 5
#             └─── 6 ── 7 ── 8      8 is the newest
TREE = places((1, None), (2, 1), (3, 2), (4, 3), (5, 4), (6, 3), (7, 6), (8, 7))


def test_the_newest_part_is_of_the_branch_with_the_newest_message():
    assert numbers(part(TREE, 2)) == ([7, 8], True, [])


def test_siblings_come_along_and_those_with_followers_are_said_to_be_cut():
    assert numbers(part(TREE, 3)) == ([4, 6, 7, 8], True, [4])


def test_the_part_above_a_message_ends_right_above_it():
    assert numbers(part(TREE, 2, before=u(7))) == ([3, 4, 6], True, [4])


def test_nothing_is_above_the_beginning():
    assert numbers(part(TREE, 9, before=u(2))) == ([1], False, [])
    assert numbers(part(TREE, 9, before=u(1))) == ([], False, [])


def test_a_branch_goes_through_the_message_that_was_asked_for():
    assert numbers(part(TREE, 2, through=u(4))) == ([3, 4, 5, 6], True, [6])


def test_the_part_through_a_message_is_no_shorter_than_the_limit():
    # Half of 6 above 8 would begin at 3; the last 6 of 1 2 3 6 7 8 begin at 1.
    assert numbers(part(TREE, 6, through=u(8))) == ([1, 2, 3, 4, 6, 7, 8], False, [4])


def test_siblings_of_the_first_message_belong_to_the_part():
    forked = places((1, None), (2, 1), (3, None), (4, 3))

    assert numbers(part(forked, 9)) == ([1, 3, 4], False, [1])


def test_an_empty_conversation_has_an_empty_part():
    assert numbers(part([], 9)) == ([], False, [])


@pytest.mark.parametrize("where", ["before", "through"])
def test_a_message_from_elsewhere_is_not_found(where):
    with pytest.raises(NotFound):
        part(TREE, 2, **{where: u(99)})
