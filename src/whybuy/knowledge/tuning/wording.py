"""The wordings of the yes-or-no questions, from `wording.toml`."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from numpy.random import Generator

from whybuy.knowledge.tuning.instructions import Task
from whybuy.language.generator import Message


@dataclass(frozen=True, slots=True)
class Wording:
    """Questions in several wordings each."""

    about: Mapping[str, Sequence[str]]  # what a question is about
    asks: Mapping[str, Sequence[str]]  # what it asks, by task

    @classmethod
    def load(cls) -> "Wording":
        """The wordings of this package."""
        return cls(**tomllib.loads(resources.files(__package__).joinpath("wording.toml").read_text("utf-8")))

    def ask(self, task: Task, about: str, fields: Mapping[str, str], random: Generator) -> tuple[Message, ...]:
        """A question that takes yes or no, in wordings drawn at random."""
        statement = random.choice(self.about[about]).format_map(fields)
        question = random.choice(self.asks[task]).format_map(fields)
        return (Message("user", f"{statement}\n{question} Answer yes or no."),)
