"""napkinXC's probabilistic label tree on the same features, with its defaults."""

from pathlib import Path

from napkinxc.models import PLT
from one_shot import LIMIT, TIMED, padded, run, single_ms, timed
from scipy.sparse import load_npz
from worker import Labels, disk, peak_megabytes


def rank(data: Path, target: Path) -> tuple[Labels, dict[str, float]]:
    """Train on two threads, then predict on one."""
    features, labels = load_npz(data / "features.npz").tocsr(), load_npz(data / "labels.npz").tocsr()
    asked = load_npz(data / "asked.npz").tocsr()
    folder = target / "model"
    _, seconds = timed(lambda: PLT(str(folder), threads=2, seed=0).fit(features, labels))
    peak = peak_megabytes()
    model = PLT(str(folder), threads=1)
    model.load()
    found, asking = timed(lambda: model.predict(asked, top_k=LIMIT))
    figures = {
        "train_s": seconds,
        "peak_mb": peak,
        "disk_mb": disk(folder),
        "batch_us": 1e6 * asking / asked.shape[0],
    }
    rows = [asked[row] for row in range(min(TIMED, asked.shape[0]))]
    return padded(found), figures | single_ms(lambda row: model.predict(row, top_k=10), rows)


if __name__ == "__main__":
    run(rank)
