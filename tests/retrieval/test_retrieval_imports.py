"""What a server imports of retrieval loads nothing that trains or fits."""

import subprocess
import sys
from importlib.util import find_spec

OPENED = ("finder", "tree", "lexical", "expansion", "facets", "ranking.reranker")
TRAINING = (
    *("whybuy.retrieval.tree_training", "whybuy.retrieval.training_set", "whybuy.retrieval.node_names"),
    *("whybuy.retrieval.ranking.training", "whybuy.retrieval.ranking.lambdamart_training"),
    *("whybuy.retrieval.ranking.fitting", "whybuy.xmr.training", "whybuy.qrels", "lightgbm", "sklearn"),
)


def test_serving_loads_no_trainer() -> None:
    opened = [f"whybuy.retrieval.{name}" for name in OPENED]
    script = f"import sys, {', '.join(opened)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert set(opened) <= set(loaded)
    assert not {name for name in loaded for part in TRAINING if name == part or name.startswith(f"{part}.")}


def test_what_must_not_be_loaded_exists() -> None:
    assert all(map(find_spec, TRAINING))
