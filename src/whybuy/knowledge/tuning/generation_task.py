"""The generation task of COSMO-LM: the reasons of a behavior pair, in the prompts of the prompted proposer."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import orjson

from whybuy.knowledge.prompting.prompts import CANDIDATES, load_prompts
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.tuning.instructions import Instruction, Part, Task
from whybuy.knowledge.tuning.products import Products
from whybuy.knowledge.tuning.split import Split
from whybuy.language.generator import Message
from whybuy.records import Behavior, Head, HeadKind, Triple
from whybuy.relations import Relation, Seed

COARSE = 0.25  # share of prompts by a seed relation, as in the first round of prompts

_TailsByRelation = defaultdict[Relation, list[str]]


class Reasons:
    """The accepted reasons of each head by relation, the most typical first."""

    def __init__(self, triples: Iterable[Triple], split: Split) -> None:
        self._of = defaultdict[Head, _TailsByRelation](lambda: defaultdict(list))
        for triple in sorted(triples, key=lambda each: (-each.typicality, -each.support, each.tail)):
            self._of[triple.head][triple.relation].append(triple.tail)
        self._for_training = {head for head in self._of if split.part_of([head]) is Part.TRAIN}

    def tails_of(self, head: Head, part: Part) -> Mapping[Relation, Sequence[str]]:
        """The tails of a head by relation; none of a held-out head in the training part."""
        return self._of.get(head, {}) if part is Part.HELD_OUT or head in self._for_training else {}


class GenerationQuestions:
    """Makes instructions for reasons of behavior pairs, one relation each, balanced over relations."""

    def __init__(self, inputs: ProposerInput, products: Products, reasons: Reasons, split: Split, seed: int) -> None:
        self._inputs, self._products, self._reasons, self._split = inputs, products, reasons, split
        self._prompts, self._random = load_prompts(inputs.language), np.random.default_rng(seed)

    def pairs(self, kind: Behavior, part: Part) -> Iterator[Instruction]:
        """The behavior pairs of one kind for which a reason is known."""
        pairs, counts = self._inputs.pairs_of(kind), Counter[Relation]()
        left, right = pairs["left"].to_pylist(), pairs["right"].to_pylist()
        known_of = self._of_search if kind is Behavior.SEARCH_BUY else self._of_pair
        for row in self._random.permutation(len(left)).tolist():
            ends = _ends(kind, left[row], right[row])
            if self._split.part_of(ends) is part and (known := known_of(ends, part)):
                relation = min(known, key=lambda each: (counts[each], each))
                counts[relation] += 1
                yield self._instruction(ends, relation, known[relation])

    def _of_search(self, ends: tuple[Head, Head], part: Part) -> dict[Relation, list[str]]:
        """What is known of the query, then of the product, then of its type."""
        return _joined([self._reasons.tails_of(head, part) for head in (*ends, self._type(ends[1]))])

    def _of_pair(self, ends: tuple[Head, Head], part: Part) -> dict[Relation, list[str]]:
        """What is known of the pair, then of both types."""
        own = self._reasons.tails_of(Head(HeadKind.PAIR, tuple(end.key[0] for end in ends)), part)
        one, other = (self._reasons.tails_of(self._type(end), part) for end in ends)
        shared = {
            relation: [tail for tail in tails if tail in other.get(relation, ())] for relation, tails in one.items()
        }
        return _joined([own, shared])

    def _type(self, product: Head) -> Head:
        return Head(HeadKind.TYPE, (self._products.type_of(product.key[0]),))

    def _instruction(self, ends: tuple[Head, Head], relation: Relation, known: Sequence[str]) -> Instruction:
        """Some prompts have a seed relation instead of the fine one; half of the answers are a list, half JSON."""
        kind: Relation | Seed = relation
        if self._random.random() < COARSE:
            kind, begins = coarse(relation)
            known = [f"{begins} {tail}".strip() for tail in known]
        as_json, listed = bool(self._random.integers(2)), known[:CANDIDATES]
        numbered = "\n".join(f"{place}. {tail}" for place, tail in enumerate(listed, 1))
        answer = orjson.dumps({"reasons": listed}).decode() if as_json else numbered
        return Instruction(Task.GENERATION, self._prompt(ends, kind, as_json=as_json), answer, tuple(known))

    def _prompt(self, ends: tuple[Head, Head], kind: Relation | Seed, *, as_json: bool) -> tuple[Message, ...]:
        (left,), right = ends[0].key, self._products.at(ends[1].key[0])
        if ends[0].kind is HeadKind.QUERY:
            return self._prompts.search_buy_prompt(left, right, kind, as_json=as_json)
        return self._prompts.co_buy_prompt(self._products.at(left), right, kind, as_json=as_json)


def coarse(relation: Relation) -> tuple[Seed, str]:
    """The seed relation of the first round that stands for a relation, and the words with which its answers begin."""
    match relation.words.split():
        case ["used" | "made", *begins]:
            return Seed.USED_FOR, " ".join(begins)
        case ["the", "buyer", *begins]:
            return Seed.CAUSE, " ".join(begins)
        case ["is", *begins]:
            return Seed.IS_A, " ".join(begins)
        case _:
            return Seed.CAPABLE_OF, ""


def _ends(kind: Behavior, left: str, right: str) -> tuple[Head, Head]:
    first = HeadKind.QUERY if kind is Behavior.SEARCH_BUY else HeadKind.PRODUCT
    return Head(first, (left,)), Head(HeadKind.PRODUCT, (right,))


def _joined(sources: Iterable[Mapping[Relation, Sequence[str]]]) -> dict[Relation, list[str]]:
    """The reasons of all by relation, in their order, each once."""
    joined = defaultdict[Relation, list[str]](list)
    for one in sources:
        for relation, tails in one.items():
            if tails:
                joined[relation] += tails
    return {relation: list(dict.fromkeys(tails)) for relation, tails in joined.items()}
