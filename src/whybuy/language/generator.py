"""The port to models that write: what is asked, what is answered."""

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
    """How a model shall answer."""

    temperature: float = 0.7  # 0: always the likeliest word
    max_tokens: int = 256  # of the answer
    seed: int | None = None  # None: another answer each time
    schema: str = ""  # JSON schema that the answer shall keep to; a model that cannot be held to it is only asked


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question to a model."""

    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)


class Finish(StrEnum):
    """Why a model stopped writing."""

    STOP = "stop"  # it was done
    LENGTH = "length"  # `max_tokens` cut it
    FAILED = "failed"  # there is no usable answer; `problem` says why
    UNREACHED = "unreached"  # the model was not there; that says nothing of the prompt


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model wrote."""

    text: str
    finish: Finish = Finish.STOP
    prompt_tokens: int = 0  # as the model counts them; 0 where it does not say
    completion_tokens: int = 0
    problem: str = ""

    @property
    def good(self) -> bool:
        """Whether the model wrote something that can be read."""
        return self.finish in (Finish.STOP, Finish.LENGTH)


class Generator(Protocol):
    """Answers prompts."""

    @property
    def model(self) -> str:
        """Its name, as in files and reports."""
        ...

    def __call__(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        """One answer to each prompt, with its place, as they come and in any order; what fails is an answer too.

        Raises:
            GeneratorError: no prompt can be answered any more; answers that came before stay good.
        """
        ...
