"""Samples behavior pairs and words a prompt for each pair and relation (COSMO, Yu et al., SIGMOD 2024)."""

import functools
from dataclasses import dataclass

import ibis
import pyarrow as pa

from whybuy.behavior.sampling import sample_pairs
from whybuy.config import ConfigTable
from whybuy.knowledge.prompting.parsing import SCHEMA
from whybuy.knowledge.prompting.prompts import CANDIDATES, load_prompts
from whybuy.knowledge.proposing.association import AssociationThresholds
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.language.generator import Prompt, Sampling
from whybuy.records import Behavior, Product
from whybuy.relations import Relation, Seed


@dataclass(frozen=True, slots=True)
class PromptedConfig:
    """How many pairs and relations a language model is prompted with, and the scores of its reasons (our design)."""

    pairs: int = 500  # behavior pairs to ask about, drawn by their weight
    rounds: int = 2  # 1: only the four seed relations, in whose answers predicates are mined; 2: also the 15 relations
    relations: tuple[Relation, ...] = tuple(Relation)  # of the second round
    candidates: int = CANDIDATES  # requested in one prompt
    as_json: bool = False  # ask for JSON instead of a numbered list
    temperature: float = 0.7
    max_tokens: int = 160  # of an answer
    seed: int = 7  # of the draw, and of the model where it takes one
    prior: float = 0.5  # plausibility of a generated reason that nobody judged: alone, not enough for the graph
    of_type: AssociationThresholds = AssociationThresholds(least_count=3, midpoint=2.0, least_share=0.1)
    of_trait: AssociationThresholds = AssociationThresholds(least_count=3, midpoint=2.5, least_lift=1.2)


GENERATE_CONFIG = ConfigTable("generate", PromptedConfig)


@dataclass(frozen=True, slots=True)
class PairPrompt:
    """One prompt, with the pair and relation that it is about."""

    pair: int  # row in the drawn pairs
    relation: Relation | Seed
    sentence_start: str  # that the answers continue: "It is used for"
    prompt: Prompt


def draw_pairs(inputs: ProposerInput, config: PromptedConfig) -> pa.Table:
    """Pairs (PAIR_SCHEMA) sampled by weight within category and type; a larger sample contains a smaller one."""
    known = pa.concat_tables([inputs.pairs_of(kind) for kind in Behavior])
    if not known.num_rows:
        return known
    roots = [category[0] if category else None for category in inputs.products["category"].to_pylist()]
    homes = inputs.products.select(["product_id", "product_type"]).append_column("root", pa.array(roots, pa.string()))
    drawn = sample_pairs(ibis.memtable(known), ibis.memtable(homes), size=config.pairs, seed=config.seed)
    engine = ibis.duckdb.connect()
    try:
        return engine.to_pyarrow(drawn).cast(known.schema)
    finally:
        engine.disconnect()


def pair_prompts(inputs: ProposerInput, pairs: pa.Table, config: PromptedConfig) -> list[PairPrompt]:
    """The prompts of all rounds, one for each pair and relation. pairs: PAIR_SCHEMA, whose products the catalog has."""
    prompter = _Prompter(inputs, config)
    rows = pairs.select(["kind", "left", "right"]).to_pylist()
    rounds: tuple[tuple[Relation | Seed, ...], ...] = (tuple(Seed), config.relations)
    return [
        prompter.prompt(number, Behavior(row["kind"]), (row["left"], row["right"]), relation)
        for relations in rounds[: config.rounds]
        for number, row in enumerate(rows)
        for relation in relations
    ]


class _Prompter:
    """Builds the prompts of pairs of one shop."""

    def __init__(self, inputs: ProposerInput, config: PromptedConfig) -> None:
        self._inputs, self._config = inputs, config
        self._prompts = load_prompts(inputs.language)
        self._product = functools.cache(self._read)
        self._sampling = Sampling(config.temperature, config.max_tokens, config.seed, SCHEMA if config.as_json else "")

    def prompt(self, number: int, kind: Behavior, ends: tuple[str, str], relation: Relation | Seed) -> PairPrompt:
        """The prompt for one pair and relation."""
        left, right, count, as_json = ends[0], self._product(ends[1]), self._config.candidates, self._config.as_json
        if kind is Behavior.SEARCH_BUY:
            messages = self._prompts.search_buy_prompt(left, right, relation, count, as_json=as_json)
        else:
            messages = self._prompts.co_buy_prompt(self._product(left), right, relation, count, as_json=as_json)
        return PairPrompt(
            number, relation, self._prompts.sentence_start(kind, relation), Prompt(messages, self._sampling)
        )

    def _read(self, product_id: str) -> Product:
        row = self._inputs.products.slice(self._inputs.row_of[product_id], 1)
        (shown,) = row.select(["product_id", "title", "product_type", "category"]).to_pylist()
        return Product(**shown | {"category": tuple(shown["category"])})
