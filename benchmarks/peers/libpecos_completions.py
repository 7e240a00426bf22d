"""libpecos as its completion example uses it: a beam of 10, a thousand labels, and those kept that begin so."""

import json
from pathlib import Path

import numpy as np
from libpecos_engine import Libpecos
from one_shot import run, timed
from scipy.sparse import load_npz
from worker import Labels, microseconds

SHOWN = 10


def rank(data: Path, target: Path) -> tuple[Labels, dict[str, float]]:
    """Train, open memory-mapped, complete one prefix after the other on one thread."""
    engine = Libpecos()
    engine.read(data)
    _, seconds = timed(lambda: engine.train(2))
    engine.save(target)
    engine.open(target, "mmap")
    keys, prefixes = (json.loads((data / f"{name}.json").read_text()) for name in ("keys", "prefixes"))
    asked = load_npz(data / "asked.npz").tocsr()
    rows = [asked[row] for row in range(asked.shape[0])]
    labels = np.full((len(rows), SHOWN), -1, np.int32)

    def complete(row: int) -> None:
        found = engine.model.predict(rows[row], beam_size=10, only_topk=1000, threads=1)
        best = found.indices[np.argsort(-found.data, kind="stable")]
        fitting = [label for label in best.tolist() if keys[label].startswith(prefixes[row])][:SHOWN]
        labels[row, : len(fitting)] = fitting

    complete(0)
    took = microseconds(complete, range(len(rows)))
    p50, p99 = np.percentile(took, [50, 99]) / 1e3
    return labels, {"train_s": seconds, "p50_ms": float(p50), "p99_ms": float(p99)}


if __name__ == "__main__":
    run(rank)
