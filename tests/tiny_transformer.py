"""A tiny random transformer with a real tokenizer, as any folder that transformers opens."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import BertProcessing
from tokenizers.trainers import WordLevelTrainer
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
NAMES = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
DIMENSIONS = 16


def write_tiny_transformer(folder: Path, texts: Sequence[str]) -> Path:
    """Train a tokenizer on texts, make a small model of random weights, save both."""
    tokenizer = Tokenizer(WordLevel(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    tokenizer.train_from_iterator(texts, WordLevelTrainer(special_tokens=SPECIAL))
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    named: dict[str, Any] = dict(zip(NAMES, SPECIAL, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named).save_pretrained(folder)
    torch.manual_seed(0)
    shape: dict[str, Any] = {"hidden_size": DIMENSIONS, "intermediate_size": 32}
    shape |= {"num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": tokenizer.get_vocab_size()}
    BertModel(BertConfig(**shape)).save_pretrained(folder)
    return folder
