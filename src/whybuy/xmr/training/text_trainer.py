"""From texts with labels to a `TextModel`."""

import numpy as np
from scipy.sparse import csr_matrix, eye_array, vstack

from whybuy.vectors.ngrams import NgramConfig, NgramVectorizer
from whybuy.xmr.text_files import TextData
from whybuy.xmr.text_model import TextModel
from whybuy.xmr.training.node_rankers import Listener
from whybuy.xmr.training.trainer import DEFAULT_CONFIG, TrainingConfig, train_tree

_NGRAMS = NgramConfig()


def train_text_model(
    data: TextData,
    *,
    ngrams: NgramConfig = _NGRAMS,
    config: TrainingConfig = DEFAULT_CONFIG,
    threads: int = 1,
    listen: Listener | None = None,
) -> TextModel:
    """Train on texts. A label's own text is one more instance of it."""
    vectorizer = NgramVectorizer.fit([*data.texts, *filter(None, data.label_texts)], ngrams, threads=threads)
    features = vectorizer.transform(data.texts, threads=threads)
    if not any(data.label_texts):
        return TextModel(
            vectorizer,
            train_tree(features, data.labels, config=config, threads=threads, listen=listen),
            data.names,
        )
    label_texts = vectorizer.transform(data.label_texts, threads=threads)
    named = np.flatnonzero(np.diff(label_texts.indptr))
    own = csr_matrix(eye_array(len(data.names), dtype=np.float32, format="csr")[named])
    tree = train_tree(
        csr_matrix(vstack([features, label_texts[named]])),
        csr_matrix(vstack([data.labels, own])),
        label_texts=label_texts,
        config=config,
        threads=threads,
        listen=listen,
    )
    return TextModel(vectorizer, tree, data.names)
