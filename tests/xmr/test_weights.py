from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_trees import unpack

from whybuy.errors import ArtifactError, InputError
from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.training.chunk import Chunk
from whybuy.xmr.training.packing import pack
from whybuy.xmr.weights import PackedWeights, codes_of

FEATURES = 1000


def flat_tree(labels: int) -> LabelTree:
    """A root whose children are the labels."""
    return LabelTree(np.array([1, 1 + labels], np.int32), np.array([0, 1], np.int32), np.arange(labels, dtype=np.int32))


def chunk_of(weights: Sequence[tuple[int, int, float]], children: int) -> Chunk:
    """The chunk with these (feature, child, weight) entries; child c has the bias c."""
    entries = sorted(weights)
    features, counts = np.unique([feature for feature, _, _ in entries], return_counts=True)
    return Chunk(
        np.arange(children, dtype=np.float32),
        features.astype(np.int32),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.array([child for _, child, _ in entries], np.uint16),
        np.array([weight for _, _, weight in entries], np.float32),
    )


def chunks(children: int, features: int = FEATURES) -> st.SearchStrategy[Chunk]:
    weights = st.floats(-4, 4, width=32).filter(lambda weight: abs(weight) >= 0.1)
    places = st.tuples(st.integers(0, features - 1), st.integers(0, children - 1))
    return st.dictionaries(places, weights, max_size=80).map(
        lambda entries: chunk_of([(*place, weight) for place, weight in entries.items()], children)
    )


@pytest.mark.parametrize("children", [3, 256, 300])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_what_was_packed_as_floats_comes_back_as_it_was(children: int, data: st.DataObject) -> None:
    chunk, tree = data.draw(chunks(children)), flat_tree(children)
    back = unpack(pack([chunk], tree, FEATURES, bits=32), 0, tree)
    for name in ("bias", "features", "starts", "children", "weights"):
        np.testing.assert_array_equal(getattr(back, name), getattr(chunk, name), err_msg=name)


@pytest.mark.parametrize(("bits", "steps"), [(8, 127), (16, 32767)])
@settings(max_examples=30, deadline=None)
@given(chunk=chunks(3))
def test_whole_numbers_are_off_by_half_a_step_of_the_child_at_most(bits: int, steps: int, chunk: Chunk) -> None:
    tree = flat_tree(3)
    back = unpack(pack([chunk], tree, FEATURES, bits=bits), 0, tree)
    for child in range(3):
        weights, found = chunk.weights[chunk.children == child], back.weights[back.children == child]
        largest = np.abs(weights).max(initial=0)
        np.testing.assert_allclose(found, weights, atol=1.001 * largest / steps / 2)


@pytest.mark.parametrize("features", [1, 2, 70_000, 2**24])
def test_ids_may_be_few_many_and_side_by_side(features: int) -> None:
    tree = flat_tree(2)
    chunk = chunk_of([(features - 1 - i, i % 2, 0.5 + i) for i in range(min(features, 500))], 2)
    back = unpack(pack([chunk], tree, features, bits=32), 0, tree)
    np.testing.assert_array_equal(back.features, chunk.features)
    np.testing.assert_array_equal(back.weights, chunk.weights)


def test_neighboring_ids_are_spread_over_the_buckets() -> None:
    chunk = chunk_of([(5000 + i, 0, 1.0) for i in range(4096)], 1)
    packed = pack([chunk], flat_tree(1), 2**20)
    rows = packed.rows[packed.buckets[:, 0].astype(np.int64) + (packed.buckets[:, 1].astype(np.int64) << 16)]
    assert rows.max() <= 4 * rows.mean()


def test_the_mask_of_a_bucket_lets_all_of_its_keys_through_and_few_others() -> None:
    chunk = chunk_of([(7 * i, 0, 1.0) for i in range(4096)], 1)
    packed = pack([chunk], flat_tree(1), 2**20)
    codes, key_bits = codes_of(np.arange(2**20, dtype=np.int32), 20), packed.chunks[0, 2]
    passed = (packed.buckets[codes >> key_bits, 2] >> (codes & 15)) & 1
    assert passed[chunk.features].all()
    assert np.delete(passed, chunk.features).mean() < 0.4


def test_a_node_without_weights_has_biases_alone() -> None:
    tree = flat_tree(4)
    back = unpack(pack([chunk_of([], 4)], tree, FEATURES), 0, tree)
    np.testing.assert_array_equal(back.bias, [0, 1, 2, 3])
    assert len(back.weights) == 0


def test_saved_weights_are_mapped_as_they_were(tmp_path: Path) -> None:
    packed = pack([chunk_of([(5, 1, 0.3), (900, 0, -2.0)], 2)], flat_tree(2), FEATURES)
    packed.save(tmp_path)
    loaded = PackedWeights.load(tmp_path, features=FEATURES, child_bytes=1, weight_bytes=1)
    for name in PackedWeights._fields:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(packed, name), err_msg=name)
    assert loaded.size == packed.size


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    packed = pack([chunk_of([(5, 1, 0.3)], 2)], flat_tree(2), FEATURES)
    packed.save(tmp_path)
    (tmp_path / "bias.npy").write_bytes(b"no array")
    with pytest.raises(ArtifactError, match=r"bias\.npy is missing or damaged .* Train and save the model again"):
        PackedWeights.load(tmp_path, features=FEATURES, child_bytes=1, weight_bytes=1)


@pytest.mark.parametrize(
    ("found", "bits", "message"),
    [
        ([chunk_of([], 2)], 4, "A weight of 4 bits is not known. Allowed: 8, 16, 32"),
        ([], 8, "The tree has 1 nodes, but 0 chunks came"),
        ([chunk_of([], 2)] * 2, 8, "The tree has 1 nodes, but 2 chunks came"),
        ([chunk_of([], 3)], 8, "Node 0 has 2 children, but its chunk has 3"),
        ([chunk_of([(FEATURES, 0, 1.0)], 2)], 8, "The chunk of node 0 has feature 1000, but there are 1000"),
    ],
)
def test_chunks_that_do_not_fit_are_refused(found: list[Chunk], bits: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pack(found, flat_tree(2), FEATURES, bits=bits)
