"""Random trees with random rankers, and the slow obvious way to score all of their labels."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, random_array

from whybuy.xmr.label_tree import LabelTree
from whybuy.xmr.post_processor import PostProcessor
from whybuy.xmr.searched_tree import SearchedTree
from whybuy.xmr.training.chunk import Chunk
from whybuy.xmr.training.packing import pack
from whybuy.xmr.weights import PackedWeights, code_bits, features_of, read_chunk

FEATURES = 300


def random_tree(labels: int, branching: int, leaf_size: int, seed: int = 0) -> LabelTree:
    """A tree of even depth whose nodes have up to `branching` children and its leaves up to `leaf_size` labels."""
    sizes = [max(1, -(-labels // leaf_size))]
    while sizes[0] > 1:
        sizes.insert(0, -(-sizes[0] // branching))
    fan_outs = [
        np.diff(np.linspace(0, below, above + 1).astype(int))
        for above, below in zip(sizes, [*sizes[1:], labels], strict=True)
    ]
    first_child = np.cumsum([1, *np.concatenate(fan_outs)]).astype(np.int32)
    permutation = np.random.default_rng(seed).permutation(labels).astype(np.int32)
    return LabelTree(first_child, np.cumsum([0, *sizes]).astype(np.int32), permutation)


def random_chunks(tree: LabelTree, features: int = FEATURES, density: float = 0.2, seed: int = 0) -> list[Chunk]:
    """Rankers with random weights for every node."""
    rng = np.random.default_rng(seed)
    return [_random_chunk(children, features, density, rng) for children in np.diff(tree.first_child)]


def _random_chunk(children: int, features: int, density: float, rng: np.random.Generator) -> Chunk:
    kept = rng.random((features, children)) < density
    weights = np.where(kept, rng.normal(0, 1, (features, children)), 0).astype(np.float32)
    rows = np.flatnonzero(kept.any(axis=1))
    entries = np.nonzero(kept[rows])
    starts = np.concatenate([[0], np.cumsum(kept[rows].sum(axis=1))])
    bias = rng.normal(0, 0.5, children).astype(np.float32)
    return Chunk(bias, rows.astype(np.int32), starts, entries[1].astype(np.uint16), weights[rows][entries])


def random_queries(count: int, features: int = FEATURES, seed: int = 0) -> csr_matrix:
    """Sparse queries, float32, the first of them empty."""
    rng = np.random.default_rng(seed)
    queries = csr_matrix(random_array((count, features), density=0.05, rng=rng, dtype=np.float32))
    queries.data[queries.indptr[0] : queries.indptr[1]] = 0
    queries.eliminate_zeros()
    queries.sort_indices()
    return queries


def unpack(packed: PackedWeights, node: int, tree: LabelTree) -> Chunk:
    """The chunk of a node, with the weights as they are searched."""
    first, last = int(tree.first_child[node]), int(tree.first_child[node + 1])
    codes, counts, children, stored = read_chunk(packed, node)
    features = features_of(codes, code_bits(packed.features))
    weights = stored * packed.scale[first - 1 : last - 1][children]
    order = np.argsort(features)
    entries = np.argsort(np.repeat(features, counts), kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts[order])])
    return Chunk(packed.bias[first - 1 : last - 1], features[order], starts, children[entries], weights[entries])


def random_searched(labels: int, seed: int = 0, bits: int = 32) -> tuple[LabelTree, SearchedTree]:
    """A tree with packed random rankers."""
    tree = random_tree(labels, 4, 5, seed)
    return tree, SearchedTree.of(tree, pack(random_chunks(tree, seed=seed), tree, FEATURES, bits=bits))


def share(margin: NDArray[np.float64], post: PostProcessor) -> NDArray[np.float64]:
    """The logarithm of what a margin contributes, by the formula of the name."""
    name = post.value.removeprefix("log-")
    if name == "sigmoid":
        return np.log(1 / (1 + np.exp(-margin)))
    return -(np.maximum(0, 1 - margin) ** int(name[1]))


def score_every_label(
    tree: LabelTree, packed: PackedWeights, queries: csr_matrix, post: PostProcessor
) -> NDArray[np.float64]:
    """Log scores, shape (queries, labels), by one dense product per node."""
    dense = queries.toarray().astype(np.float64)
    scores = np.zeros((len(dense), tree.nodes + len(tree.labels)))
    for node in range(tree.nodes):
        chunk, first = unpack(packed, node, tree), int(tree.first_child[node])
        weights = np.zeros((dense.shape[1], len(chunk.bias)))
        rows = np.repeat(chunk.features, np.diff(chunk.starts))
        weights[rows, chunk.children] = chunk.weights
        margins = dense @ weights + chunk.bias
        scores[:, first : first + len(chunk.bias)] = scores[:, [node]] + share(margins, post)
    by_label = np.empty((len(dense), len(tree.labels)))
    by_label[:, tree.labels] = scores[:, tree.nodes :]
    return by_label
