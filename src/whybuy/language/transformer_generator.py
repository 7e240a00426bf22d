"""A generator that runs a causal language model from a folder or a hub in this process (extra `neural`)."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from whybuy.artifacts import digest
from whybuy.language.generator import Answer, Finish, Prompt
from whybuy.language.pretrained import Pretrained, on_device, open_pretrained

_SOME = 1 << 20  # bytes


class TransformerGenerator:
    """Any model that transformers' `AutoModelForCausalLM` opens; `Sampling.schema` has no effect."""

    def __init__(self, model: str, *, batch: int = 8) -> None:
        """model: a folder, or a name on the hub that transformers is set up for. batch: prompts answered at once.

        Raises:
            MissingExtraError: torch or transformers is missing.
            InputError: there is no such model.
        """
        self._batch = batch
        self._tokenizer, transformer = open_pretrained(
            Pretrained.LANGUAGE_MODEL, model, instead="ask an endpoint with --endpoint URL"
        )
        self._tokenizer.padding_side = "left"
        self._transformer = on_device(transformer)
        self._name = _name_of(model)

    @property
    def model(self) -> str:
        """The hub name; of a folder, its name and a hash of its content."""
        return self._name

    def __call__(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        """See `Generator`; prompts with equal sampling settings and similar length form a batch."""
        texts = [self._text(prompt) for prompt in prompts]
        lengths = [self._length(text) for text in texts]
        by_sampling: dict[object, list[int]] = {}
        for place in sorted(range(len(prompts)), key=lambda place: -lengths[place]):
            room = self._longest - prompts[place].sampling.max_tokens
            if lengths[place] > room:
                problem = f"the prompt has {lengths[place]} tokens; with the answer the model has room for {room}"
                yield place, Answer("", Finish.FAILED, problem=problem)
            else:
                by_sampling.setdefault(prompts[place].sampling, []).append(place)
        for places in by_sampling.values():
            for start in range(0, len(places), self._batch):
                some = places[start : start + self._batch]
                answers = self._answers([texts[place] for place in some], prompts[some[0]])
                yield from zip(some, answers, strict=True)

    def count_tokens(self, prompt: Prompt) -> int:
        """Number of tokens of a prompt, the chat template included."""
        return self._length(self._text(prompt))

    @property
    def _longest(self) -> int:
        """The most tokens that prompt and answer may have together."""
        longest: int = getattr(self._transformer.config, "max_position_embeddings", 1 << 30)
        return longest

    def _text(self, prompt: Prompt) -> str:
        """The prompt as one text: by the model's chat template when it has one, else the messages in order."""
        if not self._tokenizer.chat_template:
            return "\n\n".join(message.content for message in prompt.messages)
        turns = [{"role": message.role, "content": message.content} for message in prompt.messages]
        text: str = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return text

    def _encode(self, texts: list[str]) -> Any:  # noqa: ANN401 - a batch of tensors, whose type only the extra knows
        templated = bool(self._tokenizer.chat_template)  # which writes the special tokens itself
        return self._tokenizer(texts, padding=True, add_special_tokens=not templated, return_tensors="pt")

    def _length(self, text: str) -> int:
        return int(self._encode([text])["input_ids"].shape[1])

    def _answers(self, texts: list[str], like: Prompt) -> list[Answer]:
        import torch  # noqa: PLC0415 - seconds to load, and an extra

        sampling = like.sampling
        tokens = self._encode(texts).to(self._transformer.device)
        if sampling.seed is not None:
            torch.manual_seed(sampling.seed)
        how: dict[str, Any] = {"do_sample": False}
        if sampling.temperature > 0:
            how = {"do_sample": True, "temperature": sampling.temperature}
        with torch.inference_mode():
            written = self._transformer.generate(
                input_ids=tokens["input_ids"],
                attention_mask=tokens["attention_mask"],
                max_new_tokens=sampling.max_tokens,
                pad_token_id=self._tokenizer.pad_token_id,
                **how,
            )
        read = tokens["attention_mask"].sum(1).tolist()
        new = written[:, tokens["input_ids"].shape[1] :].tolist()
        return [self._answer(row, count) for row, count in zip(new, read, strict=True)]

    def _answer(self, written: list[int], prompt_tokens: int) -> Answer:
        """written: generated tokens, padded after the end of the answer."""
        end = next((at for at, token in enumerate(written) if token in self._ends), None)
        kept = written if end is None else written[:end]
        text = self._tokenizer.decode(kept, skip_special_tokens=True).strip()
        return Answer(text, Finish.LENGTH if end is None else Finish.STOP, prompt_tokens, len(kept))

    @property
    def _ends(self) -> set[int]:
        ends = self._transformer.generation_config.eos_token_id
        return set(ends) if isinstance(ends, list) else {ends, self._tokenizer.eos_token_id}


def _name_of(model: str) -> str:
    """Name of a model; of a folder with a hash of both ends of its files, so that changed weights change the name."""
    folder = Path(model)
    if not folder.is_dir():
        return model
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return f"{folder.resolve().name}@{digest(*(f'{path.name} {_ends(path)}' for path in files))[:8]}"


def _ends(path: Path) -> str:
    with path.open("rb") as stream:
        first = stream.read(_SOME)
        stream.seek(max(0, path.stat().st_size - _SOME))
        return f"{path.stat().st_size} {sha256(first + stream.read(_SOME)).hexdigest()}"
