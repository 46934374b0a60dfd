from hypothesis import given
from hypothesis import strategies as st

from learning.policy.packing import BATCH_TOKENS, pack

token_lists = st.lists(st.integers(0, 9), min_size=1, max_size=12).map(tuple)
sequences = st.lists(st.tuples(st.sampled_from([(1,), (1, 2, 3), (4, 4)]), token_lists), max_size=9)


def test_replies_to_one_prompt_share_a_row():
    (batch,) = pack([((7, 8), (1, 2)), ((7, 8), (3,))])

    assert batch.tokens.tolist() == [[7, 8, 1, 2, 3]]
    assert batch.positions.tolist() == [[0, 1, 2, 3, 2]]
    # The last reply's token sees the prompt and itself, not the other reply.
    assert batch.mask[0, 0, 4].tolist() == [True, True, False, False, True]
    # Token 1 is predicted by the prompt's last token, token 2 by token 1, token 3 by the prompt's.
    assert batch.sources().tolist() == [1, 2, 1]
    assert batch.places().tolist() == [2, 3, 4]


@given(sequences)
def test_every_sequence_is_packed_once_and_in_its_place(sequences):
    packed = {}
    for batch in pack(sequences):
        flat = batch.tokens.flatten()[batch.places()].tolist()
        for index in batch.sequences:
            length = len(sequences[index][1])
            packed[index], flat = tuple(flat[:length]), flat[length:]

    assert packed == {index: response for index, (_, response) in enumerate(sequences)}


@given(sequences)
def test_a_token_sees_exactly_what_came_before_it(sequences):
    for batch in pack(sequences):
        for number, row in enumerate(batch.rows):
            for index, places in zip(row.sequences, row.places, strict=True):
                prompt, response = sequences[index]
                seen = batch.mask[number, 0, places[-1]]

                assert batch.tokens[number][seen].tolist() == [*prompt, *response]


def test_batches_keep_to_their_budget_unless_one_row_alone_is_larger():
    sequences = [((n,), (0,) * (100 * n)) for n in range(1, 15)]

    batches = pack(sequences)

    assert all(b.tokens.numel() <= BATCH_TOKENS or len(b.rows) == 1 for b in batches)
    assert sorted(i for b in batches for i in b.sequences) == list(range(14))
