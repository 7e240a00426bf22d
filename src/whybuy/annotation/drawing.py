"""Draws tasks from the hypotheses of a shop's last build."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whybuy.annotation.queue import QUEUE_SCHEMA, Queue, queue_table
from whybuy.annotation.texts import ShopTexts
from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore
from whybuy.behavior.mining import PAIRS_FILE
from whybuy.build import HYPOTHESES_FILE, open_critic
from whybuy.catalog.catalog import PRODUCTS_FILE
from whybuy.catalog.shop import SHOP_CONFIG
from whybuy.config import read_settings
from whybuy.knowledge.annotation.sampling import Candidates, behavior_of, most_uncertain, sample
from whybuy.records import PAIR_SCHEMA, Head, HeadKind, Question

Probabilities = Mapping[str, NDArray[np.float64]]
Judge = Callable[[Sequence[tuple[str, ...]], Sequence[str], Sequence[str]], Probabilities]
"""A critic: heads in words, relations and tails -> probabilities by question, among them `plausible`."""


def draw(store: Path, queue: Queue, *, size: int, seed: int, judge: Judge | None = None, active: bool = False) -> Queue:
    """The queue grown to `size` tasks from the live build.

    judge: pre-judges the tasks, which people see once they have answered. active: what it is least sure of is asked
    first, or without it what the critic of the shop's graph is least sure of; else what the weights of
    `knowledge.annotation.sampling` draw.

    Raises:
        ConfigError: the folder is no shop.
        ArtifactError: there is no finished build.
        InputError: the size is less than 1.
    """
    folders = ArtifactStore(store / ARTIFACTS_FOLDER).current()
    language = read_settings(store).one(SHOP_CONFIG).language
    pairs = pq.read_table(folders["pairs"] / PAIRS_FILE) if "pairs" in folders else PAIR_SCHEMA.empty_table()
    texts = ShopTexts(pq.read_table(folders["catalog"] / PRODUCTS_FILE), pairs)
    candidates = Candidates(pq.read_table(folders["hypotheses"] / HYPOTHESES_FILE), language=language)
    heads = [Head(HeadKind(kind), tuple(key)) for kind, key in zip(
        candidates.table["head_kind"].to_pylist(), candidates.table["head_key"].to_pylist(), strict=True)]  # fmt: skip
    categories = [
        texts.category(head, evidence)
        for head, evidence in zip(heads, candidates.table["evidence"].to_pylist(), strict=True)
    ]
    wanted = size + len(queue)  # some of those drawn may be in the queue already
    if active:
        in_words = [texts.heads(head) for head in heads]
        probabilities = (
            _predict(judge, candidates.table, in_words)["plausible"]
            if judge
            else _of_graph_critic(store, candidates.table)
        )
        rows = most_uncertain(candidates, categories, probabilities, size=wanted)
    else:
        rows = sample(candidates, categories, size=wanted, seed=seed)
    chosen = candidates.table.take(pa.array(rows))
    words = [texts.heads(heads[row]) for row in rows]
    predicted = _predict(judge, chosen, words) if judge is not None else {}
    tasks = [
        {
            **{name: row[name] for name in ("head_kind", "head_key", "relation", "tail")},
            "heads": list(words[at]),
            "category": categories[rows[at]],
            "behavior": behavior_of(row["head_kind"], row["generator"]).value,
            "examples": texts.examples(row),
            **{question: float(each[at]) for question, each in predicted.items() if question in QUEUE_SCHEMA.names},
        }
        for at, row in enumerate(chosen.to_pylist())
    ]
    return queue.grown(queue_table(tasks), size)


def _of_graph_critic(store: Path, hypotheses: pa.Table) -> NDArray[np.float64]:
    """Probabilities by the critic of the shop's graph; before there are judgments, those of statistics."""
    critic, judgments = open_critic(store)
    probabilities = critic.posterior(judgments).get(Question.PLAUSIBLE, critic.edges.plausibility)
    return probabilities[critic.edges.find(hypotheses)]


def _predict(judge: Judge, hypotheses: pa.Table, heads: Sequence[tuple[str, ...]]) -> Probabilities:
    return judge(heads, hypotheses["relation"].to_pylist(), hypotheses["tail"].to_pylist())
