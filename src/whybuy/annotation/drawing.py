"""Draws tasks from the hypotheses of a shop's last build."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.annotation.queue import QUEUE_SCHEMA, Queue, queue_table
from whybuy.annotation.texts import ShopTexts
from whybuy.build import open_critic
from whybuy.knowledge.annotation.sampling import Candidates, behavior_of, most_uncertain, sample
from whybuy.records import HYPOTHESES, PAIRS, Head, HeadKind, Question
from whybuy.shop import Shop

Probabilities = Mapping[str, NDArray[np.float64]]
Judge = Callable[[Sequence[tuple[str, ...]], Sequence[str], Sequence[str]], Probabilities]
"""A critic: heads in words, relations and tails -> probabilities by question, among them `plausible`."""


def draw(store: Path, queue: Queue, *, size: int, seed: int, judge: Judge | None = None, active: bool = False) -> Queue:
    """The queue grown to `size` tasks from the live build.

    judge: a critic that pre-judges the tasks; people see its answers after their own. active: draw tasks about which
    it, or without it the critic of the shop's graph, is least certain; else draw by the weights of
    `knowledge.annotation.sampling`.

    Raises:
        ConfigError: the folder is no shop.
        ArtifactError: there is no finished build.
        InputError: the size is less than 1.
    """
    shop = Shop.open(store)
    texts = ShopTexts(shop.catalog.table, shop.table(PAIRS))
    candidates = Candidates(shop.table(HYPOTHESES), language=shop.language)
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
            else _of_graph_critic(shop, candidates.table)
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


def _of_graph_critic(shop: Shop, hypotheses: pa.Table) -> NDArray[np.float64]:
    """Probabilities by the critic of the shop's graph; before there are judgments, those of statistics."""
    critic, judgments = open_critic(shop)
    probabilities = critic.posterior(judgments).get(Question.PLAUSIBLE, critic.edges.plausibility)
    return probabilities[critic.edges.find(hypotheses)]


def _predict(judge: Judge, hypotheses: pa.Table, heads: Sequence[tuple[str, ...]]) -> Probabilities:
    return judge(heads, hypotheses["relation"].to_pylist(), hypotheses["tail"].to_pylist())
