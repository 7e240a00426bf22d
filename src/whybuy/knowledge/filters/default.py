"""The filters of a build, with their language model and encoder."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from whybuy.config import ConfigTable
from whybuy.errors import InputError
from whybuy.knowledge.filters import Disfluent, Duplicate, Generic, HypothesisFilter, Incomplete, Restates, Similar
from whybuy.knowledge.filters.limit_tuning import Aim
from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.language.catalog_encoder import CatalogEncoder
from whybuy.language.encoder import Encoder
from whybuy.language.fluency import Fluency
from whybuy.language.ngram_fluency import NgramFluency
from whybuy.language.transformer_encoder import TransformerEncoder
from whybuy.language.transformer_fluency import TransformerFluency
from whybuy.records import Behavior

MAX_TEXTS = 100_000  # of each kind that the n-gram model is fitted on
MAX_ENCODED = 5_000  # that the encoder is fitted on
DIMENSIONS = 64
PRETRAINED_SIMILAR = (
    0.87  # limit of the cosine of a transformer, which recognizes paraphrases; measured on all-MiniLM-L6-v2
)
NAMES = tuple(kind.name for kind in (Incomplete, Restates, Generic, Disfluent, Similar, Duplicate))


@dataclass(frozen=True, slots=True)
class FilterConfig:
    """Models and limits of the filters.

    Raises:
        InputError: there is no filter of a name in `limits`.
    """

    fluency_model: str = ""  # folder or hub name of a causal language model; empty: n-grams of the shop's own texts
    encoder: str = ""  # folder or hub name of a transformer; empty: one fitted on the shop's own texts
    limits: Mapping[str, float] = field(default_factory=dict)  # by filter, in place of its own or a tuned one
    tuned: bool = False  # limits are tuned on the judgments of reasons
    aim: Aim = Aim()

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.limits) - set(NAMES)):
            raise InputError(f"limits names {', '.join(unknown)}; there are limits of {', '.join(NAMES)}.")


FILTER_CONFIG = ConfigTable("filters", FilterConfig)


def default_filters(inputs: ProposerInput, config: FilterConfig) -> tuple[HypothesisFilter, ...]:
    """The filters of every build, in the order in which they run: cheap ones first, and last what compares the rest.

    Raises:
        InputError, MissingExtraError: a model of the config cannot be opened.
    """
    products, language = inputs.products, inputs.language
    return (
        Incomplete(),
        Restates(products, language),
        Generic(products, language),
        Disfluent(fluency_of(inputs, config.fluency_model)),
        _similar(inputs, config.encoder),
        Duplicate(products, language),
    )


def _similar(inputs: ProposerInput, model: str) -> Similar:
    similar = Similar(inputs.products, encoder_of(inputs, model), inputs.language)
    return replace(similar, limit=PRETRAINED_SIMILAR) if model else similar


def fluency_of(inputs: ProposerInput, model: str = "") -> Fluency:
    """The given causal language model, or n-grams of the shop's titles, descriptions and queries."""
    if model:
        return TransformerFluency(model)
    columns = (inputs.products["title"], inputs.products["description"], _queries(inputs))
    return NgramFluency.fit([text for column in columns for text in _some(column, MAX_TEXTS)])


def encoder_of(inputs: ProposerInput, model: str = "") -> Encoder:
    """The given transformer, or an encoder fitted on the shop's titles and queries."""
    if model:
        return TransformerEncoder(model)
    columns = (inputs.products["title"], _queries(inputs))
    texts = [text for column in columns for text in _some(column, MAX_ENCODED // len(columns))]
    return CatalogEncoder.fit(texts, dimensions=DIMENSIONS)


def _queries(inputs: ProposerInput) -> pa.ChunkedArray:
    return inputs.pairs.filter(pc.equal(inputs.pairs["kind"], Behavior.SEARCH_BUY.value))["left"]


def _some(column: pa.ChunkedArray, most: int) -> list[str]:
    """The distinct texts of a column; of more than the most, an even choice."""
    texts = column.unique()
    step = -(-len(texts) // most) or 1
    chosen: list[str] = texts.take(pa.array(range(0, len(texts), step), pa.int64())).to_pylist()
    return chosen
