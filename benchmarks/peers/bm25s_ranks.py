"""bm25s with its defaults over the titles."""

from pathlib import Path

import bm25s
import numpy as np
from one_shot import LIMIT, TIMED, run, single_ms, timed
from worker import Labels, read_texts


def rank(data: Path, target: Path) -> tuple[Labels, dict[str, float]]:
    """Index the titles, retrieve for every query; a title without a common word is no hit."""
    titles, asked = read_texts(data, "titles"), read_texts(data, "asked")
    model = bm25s.BM25()
    _, seconds = timed(lambda: model.index(bm25s.tokenize(titles, show_progress=False), show_progress=False))

    def retrieve(queries: list[str]) -> Labels:
        words = bm25s.tokenize(queries, show_progress=False, return_ids=False)
        found, scores = model.retrieve(words, k=min(LIMIT, len(titles)), show_progress=False)
        return np.where(scores > 0, found, -1).astype(np.int32)

    labels, asking = timed(lambda: retrieve(asked))
    figures = {"train_s": seconds, "batch_us": 1e6 * asking / len(labels)}
    return labels, figures | single_ms(lambda query: retrieve([query]), asked[:TIMED])


if __name__ == "__main__":
    run(rank)
