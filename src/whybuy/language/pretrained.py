"""Opens pretrained transformers from a folder or a hub; they come with the extra `neural`."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError, MissingExtraError


class Pretrained(StrEnum):
    """Kinds of pretrained models; the values are their names in messages."""

    ENCODER = "encoder"
    LANGUAGE_MODEL = "language model"
    CLASSIFIER = "classifier"


_OPENED_BY = {
    Pretrained.ENCODER: "AutoModel",
    Pretrained.LANGUAGE_MODEL: "AutoModelForCausalLM",
    Pretrained.CLASSIFIER: "AutoModelForSequenceClassification",
}
PLAIN_CHAT = (
    "{% for message in messages %}{{ message['role'] + ':\\n' + message['content'] + eos_token + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:\\n' }}{% endif %}"
)
"""How a chat is written for a model whose tokenizer does not say: a base model, before its tuning."""


def require(*packages: str, asker: str, extra: str, instead: str = "") -> None:
    """Raise MissingExtraError unless these packages are installed.

    asker: the part that imports them, for the message. instead: what a user can do without them.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        install = f"Install what it needs with `pip install 'whybuy[{extra}]'`"
        way_out = f", or {instead}" if instead else ""
        raise MissingExtraError(f"{asker} needs {' and '.join(missing)}. {install}{way_out}.")


def open_pretrained(
    what: Pretrained, model: str, *, dtype: str = "auto", labels: Sequence[str] = (), instead: str = ""
) -> tuple[Any, Any]:
    """The tokenizer and the model, in evaluation mode, of a folder or a name on the hub.

    dtype: of the weights; "auto" takes the file's. labels: the classes of a classifier that will be
    fine-tuned, one logit each; the last layer is initialized at random where it does not fit. instead: what a user can
    do without the extra.

    Raises:
        MissingExtraError: torch or transformers is missing.
        InputError: there is no such model, or its files are damaged.
    """
    require("torch", "transformers", asker=f"The {what} {model}", extra="neural", instead=instead)
    import transformers  # noqa: PLC0415 - seconds to load, and an extra
    from safetensors import SafetensorError  # noqa: PLC0415 - comes with transformers

    transformers.utils.logging.disable_progress_bar()  # of weights that are read in a moment
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(model)
        opened = (
            getattr(transformers, _OPENED_BY[what])
            .from_pretrained(model, dtype=dtype, **_label_arguments(labels))
            .eval()
        )
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"There is no {what} {model!r} to open: {reason} Give a folder, or a name on your hub."
        ) from error
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    return tokenizer, opened


def _label_arguments(labels: Sequence[str]) -> dict[str, Any]:
    """Keyword arguments of `from_pretrained` for a classifier with these labels."""
    if not labels:
        return {}
    named = {"id2label": dict(enumerate(labels)), "label2id": {label: place for place, label in enumerate(labels)}}
    return {**named, "problem_type": "multi_label_classification", "ignore_mismatched_sizes": True}


def open_chat_model(model: str, *, dtype: str = "auto") -> tuple[Any, Any]:
    """`open_pretrained` of a causal language model; a tokenizer without a chat template gets a plain one.

    Raises:
        MissingExtraError, InputError: see `open_pretrained`.
    """
    tokenizer, opened = open_pretrained(Pretrained.LANGUAGE_MODEL, model, dtype=dtype)
    tokenizer.chat_template = tokenizer.chat_template or PLAIN_CHAT
    return tokenizer, opened


def batches_by_length(texts: Sequence[str], size: int) -> Iterator[list[int]]:
    """Indices of texts in batches, short texts first; texts of similar length need little padding."""
    by_length = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    return (by_length[start : start + size] for start in range(0, len(by_length), size))


def sides_of(sequence_ids: Sequence[Sequence[int | None]]) -> NDArray[np.int64]:
    """To which of two texts each token belongs, -1 for neither. Shape (pairs, tokens)."""
    return np.array([[-1 if side is None else side for side in each] for each in sequence_ids], np.int64)


def on_device(model: Any) -> Any:  # noqa: ANN401 - a torch module, whose type only the extra knows
    """The model on the GPU, where there is one."""
    import torch  # noqa: PLC0415 - seconds to load, and an extra

    return model.to("cuda" if torch.cuda.is_available() else "cpu")
