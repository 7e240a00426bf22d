"""Made-up suggestions, and sessions in which they follow each other."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from whybuy.completion.folding import fold, word_key, word_key_hash
from whybuy.completion.query_log import FOLLOW_SCHEMA
from whybuy.completion.session_training import SessionTrainingSet, session_training_set
from whybuy.records import VOCABULARY_SCHEMA, CompletionSource

BRANDS = ("nikon", "nike", "norda", "canon", "carhartt", "adidas")
THINGS = {"camera": ("lens", "bag", "strap"), "shoes": ("running", "trail", "walking"), "tent": ("family", "dome")}


def vocabulary_of(asked: Mapping[str, float], intents: Mapping[str, str] | None = None) -> pa.Table:
    """VOCABULARY_SCHEMA of texts with their weights. intents: tails that texts name."""
    rows = [
        {
            "key": fold(text),
            "text": text,
            "weight": weight,
            "source": CompletionSource.QUERY_LOG,
            "word_key": word_key_hash(word_key(text, "en")),
            "relation": "used_for_audience" if text in (intents or {}) else None,
            "tail": (intents or {}).get(text),
            "words": (intents or {}).get(text),
            "confidence": 0.9 if text in (intents or {}) else None,
            "category": "Shoes" if "shoes" in text else None,
        }
        for text, weight in asked.items()
    ]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["key"])), VOCABULARY_SCHEMA)


def shop_vocabulary() -> pa.Table:
    """Brands and kinds of a few things; how often each is asked says nothing of what it is asked after."""
    texts = [f"{word} {thing}" for thing, kinds in THINGS.items() for word in (*BRANDS, *kinds)]
    return vocabulary_of({text: 1.0 + place * 7 % 11 for place, text in enumerate(texts)})


def shop_follow_ups(*, times: int = 20) -> pa.Table:
    """FOLLOW_SCHEMA: after a thing, and after one kind of it, the same thing of each brand is asked."""
    asked = [
        (earlier, f"{brand} {thing}")
        for thing, kinds in THINGS.items()
        for kind in kinds
        for earlier in (thing, f"{kind} {thing}")
        for brand in BRANDS
    ]
    order = np.random.default_rng(0).permutation(len(asked) * times) % len(asked)
    rows = [
        {"session": f"s{place}", "seconds": place, "previous_1": asked[at][0], "query": asked[at][1]}
        for place, at in enumerate(order.tolist())
    ]
    return pa.Table.from_pylist(rows, FOLLOW_SCHEMA)


def shop_pairs(keys: Sequence[str]) -> SessionTrainingSet:
    """The training set of the same follow-ups."""
    return session_training_set(shop_follow_ups(), keys)
