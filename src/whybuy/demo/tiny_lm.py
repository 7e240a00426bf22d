"""A causal language model of a few million random weights, to try fine-tuning without a pretrained model."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

START, END, PAD = "<s>", "</s>", "<pad>"


def write_tiny_lm(folder: Path, texts: Sequence[str], *, layers: int = 4, width: int = 192, words: int = 6000) -> None:
    """Train a byte-level tokenizer on texts, make a LLaMA of random weights, and save both as transformers does.

    words: of the tokenizer, at most.
    """
    import torch  # noqa: PLC0415 - an extra
    from transformers import LlamaConfig, LlamaForCausalLM  # noqa: PLC0415

    tokenizer = _tokenizer(texts, words)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    shape: dict[str, Any] = {"hidden_size": width, "intermediate_size": 3 * width, "num_hidden_layers": layers}
    shape |= {
        "num_attention_heads": width // 32,
        "vocab_size": len(tokenizer),
        "initializer_range": width**-0.5,
        "max_position_embeddings": 1024,
    }
    named = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2, "tie_word_embeddings": True}
    LlamaForCausalLM(LlamaConfig(**shape, **named)).save_pretrained(folder)


def _tokenizer(texts: Sequence[str], words: int) -> "PreTrainedTokenizerFast":
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=words, special_tokens=[START, END, PAD], initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(texts, trainer)
    names: dict[str, Any] = {"bos_token": START, "eos_token": END, "pad_token": PAD}
    return PreTrainedTokenizerFast(tokenizer_object=made, **names)
