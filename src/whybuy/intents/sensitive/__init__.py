"""Intents that shoppers are told of only if they said so: pregnancy, health, religion, age, body, money."""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from importlib import resources
from typing import Self

from whybuy.records import Intent
from whybuy.text import lemma, lemmas, tokenize


@dataclass(frozen=True, slots=True)
class SensitiveIntents:
    """Words by group, in their dictionary form; a language without a list has none (our design)."""

    groups: tuple[frozenset[str], ...]
    language: str = "en"

    @classmethod
    def of(cls, language: str, also: Collection[str] = (), never: Collection[str] = ()) -> Self:
        """The list of a language. also: words of a group of their own. never: words that are taken out."""
        file = resources.files(__name__) / f"{language}.toml"
        listed = tomllib.loads(file.read_text(encoding="utf-8")).values() if file.is_file() else ()
        out = {lemma(word, language) for word in never}
        groups = (frozenset(lemma(word, language) for word in words.split()) - out for words in (*listed, *also))
        return cls(tuple(group for group in groups if group), language)

    def may_be_shown(self, query: str, intent: Intent) -> bool:
        """Whether an intent is not sensitive, or was said: its words stand in the query, or one of its group does."""
        asked, told = set(lemmas(query, self.language)), set(lemmas(intent.tail, self.language))
        touched = [group for group in self.groups if group & told]
        said = bool(intent.words) and tokenize(intent.words) != tokenize(query)
        return said or all(group & asked for group in touched)
