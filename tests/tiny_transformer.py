"""A tiny random transformer with a real tokenizer, as any folder that transformers opens."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
NAMES = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
DIMENSIONS = 16


def write_tiny_transformer(folder: Path, texts: Sequence[str]) -> Path:
    """Train a tokenizer on texts, make a small encoder of random weights, save both."""
    shape: dict[str, Any] = {"hidden_size": DIMENSIONS, "intermediate_size": 32}
    shape |= {"num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": write_tokenizer(folder, texts)}
    transformers = _seeded_transformers()
    transformers.BertModel(transformers.BertConfig(**shape)).save_pretrained(folder)
    return folder


def write_tiny_deberta(folder: Path, texts: Sequence[str]) -> Path:
    """Likewise an encoder as DeBERTa-v3 is one; without dropout."""
    shape: dict[str, Any] = {"hidden_size": DIMENSIONS, "intermediate_size": 32}
    shape |= {"num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": write_tokenizer(folder, texts)}
    attention: dict[str, Any] = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "share_att_key": True}
    attention |= {"position_buckets": 16, "norm_rel_ebd": "layer_norm", "position_biased_input": False}
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "pooler_dropout": 0.0}
    transformers = _seeded_transformers()
    config = transformers.DebertaV2Config(**shape, **attention, **still)
    transformers.DebertaV2Model(config).save_pretrained(folder)
    return folder


def write_tiny_causal_model(folder: Path, texts: Sequence[str]) -> Path:
    """Likewise a causal language model."""
    shape: dict[str, Any] = {"n_embd": DIMENSIONS, "n_layer": 2, "n_head": 2, "n_positions": 64}
    shape |= {"vocab_size": write_tokenizer(folder, texts), "bos_token_id": 2, "eos_token_id": 3}
    transformers = _seeded_transformers()
    transformers.GPT2LMHeadModel(transformers.GPT2Config(**shape)).save_pretrained(folder)
    return folder


def _seeded_transformers() -> ModuleType:
    """The package, imported when asked for: it takes seconds, and an environment without it skips what needs it."""
    pytest.importorskip("torch").manual_seed(0)
    transformers: ModuleType = pytest.importorskip("transformers")
    return transformers


def write_tokenizer(folder: Path, texts: Sequence[str]) -> int:
    """Train a tokenizer of whole words on texts and save it; returns the number of words."""
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(texts, tokenizers.trainers.WordLevelTrainer(special_tokens=SPECIAL))
    tokenizer.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    named: dict[str, Any] = dict(zip(NAMES, SPECIAL, strict=True))
    transformers = pytest.importorskip("transformers")
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named).save_pretrained(folder)
    size: int = tokenizer.get_vocab_size()
    return size
