"""Prompt templates for behavior pairs; one TOML file per language beside this module."""

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from whybuy.artifacts import digest
from whybuy.errors import ConfigError
from whybuy.language.generator import Message
from whybuy.records import Behavior, Product
from whybuy.relations import Relation, Seed

LONGEST_TITLE = 30  # words that are shown; feeds put whole paragraphs there
CANDIDATES = 5


class Prompts:
    """The prompts of one language: task, domain, relation, a list of candidates (COSMO, Yu et al., SIGMOD 2024)."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.version: str = table["version"]
        self._table = table

    @property
    def digest(self) -> str:
        """Hash of the templates."""
        return digest(repr(self._table))

    def search_buy_prompt(
        self,
        query: str,
        product: Product,
        relation: Relation | Seed,
        candidates: int = CANDIDATES,
        *,
        as_json: bool = False,
    ) -> tuple[Message, ...]:
        """Messages that ask why a search led to a purchase. as_json: request {"reasons": [...]}, not a list."""
        shown = {"query": query, "product": _shown(product), "domain": self._domain(product)}
        return self._prompt(Behavior.SEARCH_BUY, relation, shown, candidates, as_json=as_json)

    def co_buy_prompt(
        self,
        one: Product,
        other: Product,
        relation: Relation | Seed,
        candidates: int = CANDIDATES,
        *,
        as_json: bool = False,
    ) -> tuple[Message, ...]:
        """Messages that ask why two products were bought together, in one relation."""
        domains = dict.fromkeys((self._domain(one), self._domain(other)))
        shown = {"one": _shown(one), "other": _shown(other), "domain": " / ".join(domains)}
        return self._prompt(Behavior.CO_BUY, relation, shown, candidates, as_json=as_json)

    def sentence_start(self, behavior: Behavior, relation: Relation | Seed) -> str:
        """The words that an answer continues: "It is used for"."""
        start: str = self._table[_group(relation)][relation.value][behavior.value]
        return start

    @property
    def predicates(self) -> Mapping[str, Any]:
        """The table from which `relation_mining` maps words of answers to relations."""
        table: Mapping[str, Any] = self._table["predicates"]
        return table

    def _prompt(
        self, behavior: Behavior, relation: Relation | Seed, shown: Mapping[str, str], candidates: int, *, as_json: bool
    ) -> tuple[Message, ...]:
        table = self._table[_group(relation)][relation.value]
        form = self._table["json" if as_json else "list"]
        question = self._table[behavior.value].format(
            **shown,
            relation=relation.value,
            names=table["names"],
            opening=self.sentence_start(behavior, relation),
            form=form.format(count=candidates),
        )
        return Message("system", self._table["system"].strip()), Message("user", question.strip())

    def _domain(self, product: Product) -> str:
        return product.category[0] if product.category else product.product_type or self._table["no_domain"]


def _group(relation: Relation | Seed) -> str:
    return "seeds" if isinstance(relation, Seed) else "relations"


def _shown(product: Product) -> str:
    """The title, followed by the type where the title does not contain it."""
    title = " ".join(product.title.split()[:LONGEST_TITLE])
    type_in_title = not product.product_type or product.product_type.casefold() in title.casefold()
    return title if type_in_title else f"{title} ({product.product_type})"


@functools.cache
def load_prompts(language: str = "en") -> Prompts:
    """The prompts of a language.

    Raises:
        ConfigError: there is no prompt file for it.
    """
    file = resources.files(__name__) / f"{language}.toml"
    if not file.is_file():
        written = sorted(
            entry.name[:-5] for entry in resources.files(__name__).iterdir() if entry.name.endswith(".toml")
        )
        raise ConfigError(
            f"There are no prompts for language {language!r}; there are for {', '.join(written)}. "
            f"Add knowledge/prompting/prompts/{language}.toml, or set language in the [shop] table of store.toml."
        )
    return Prompts(tomllib.loads(file.read_text(encoding="utf-8")))
