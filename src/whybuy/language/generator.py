"""The interface of language models that generate text, with the records of its prompts and answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from whybuy.errors import WhybuyError


class GeneratorError(WhybuyError):
    """A model cannot be reached, or refuses everything."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: str  # "system", "user" or "assistant"
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling settings of an answer, and its format."""

    temperature: float = 0.7  # 0: always the likeliest word
    max_tokens: int = 256  # of the answer
    seed: int | None = None  # None: another answer each time
    schema: str = ""  # JSON schema that the answer should match; not every model can be constrained to it


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages and sampling settings of one request to a model."""

    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)


class Finish(StrEnum):
    """Why a model stopped writing."""

    STOP = "stop"  # it was done
    LENGTH = "length"  # `max_tokens` cut it
    FAILED = "failed"  # there is no usable answer; `problem` says why
    UNREACHED = "unreached"  # the model could not be reached; the prompt may be sent again


@dataclass(frozen=True, slots=True)
class Answer:
    """The text that a model generated, with token counts, or why there is none."""

    text: str
    finish: Finish = Finish.STOP
    prompt_tokens: int = 0  # as the model counts them; 0 where it does not say
    completion_tokens: int = 0
    problem: str = ""

    @property
    def good(self) -> bool:
        """Whether there is a text that can be parsed."""
        return self.finish in (Finish.STOP, Finish.LENGTH)


class Generator(Protocol):
    """Generates an answer for each prompt."""

    @property
    def model(self) -> str:
        """Name of the model in files and reports."""
        ...

    def __call__(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        """Yield (index of the prompt, answer), one for each prompt and in any order; a failure is an answer too.

        Raises:
            GeneratorError: no prompt can be answered any more; answers that came before stay good.
        """
        ...
