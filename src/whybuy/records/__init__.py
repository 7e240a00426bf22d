"""What passes between parts: frozen records for single things and, beside each bulk one, its Arrow schema."""

from whybuy.records.behavior import (
    EVENT_SCHEMA,
    PAIR_SCHEMA,
    QUERY_SCHEMA,
    Action,
    Behavior,
    BehaviorPair,
    Event,
)
from whybuy.records.catalog import (
    ATTRIBUTE_TYPE,
    PRODUCT_SCHEMA,
    Product,
)
from whybuy.records.completion import (
    VOCABULARY_SCHEMA,
    Completion,
    Completions,
    Fit,
    Suggested,
)
from whybuy.records.intents import (
    Intent,
    Reason,
)
from whybuy.records.judgments import (
    JUDGMENT_SCHEMA,
    Judgment,
    Question,
    Role,
)
from whybuy.records.knowledge import (
    CRITIC,
    HYPOTHESIS_SCHEMA,
    READER,
    STATISTICS,
    TITLE_WORD,
    Head,
    HeadKind,
    Hypothesis,
    Source,
    Triple,
)
from whybuy.records.neighborhood import (
    Edge,
    Neighborhood,
    Node,
)
from whybuy.records.search import (
    Answer,
    FacetValue,
    Filter,
    Hit,
    Match,
    Query,
    Sort,
    TreeStep,
    WordContribution,
)

__all__ = [
    "ATTRIBUTE_TYPE",
    "CRITIC",
    "EVENT_SCHEMA",
    "HYPOTHESIS_SCHEMA",
    "JUDGMENT_SCHEMA",
    "PAIR_SCHEMA",
    "PRODUCT_SCHEMA",
    "QUERY_SCHEMA",
    "READER",
    "STATISTICS",
    "TITLE_WORD",
    "VOCABULARY_SCHEMA",
    "Action",
    "Answer",
    "Behavior",
    "BehaviorPair",
    "Completion",
    "Completions",
    "Edge",
    "Event",
    "FacetValue",
    "Filter",
    "Fit",
    "Head",
    "HeadKind",
    "Hit",
    "Hypothesis",
    "Intent",
    "Judgment",
    "Match",
    "Neighborhood",
    "Node",
    "Product",
    "Query",
    "Question",
    "Reason",
    "Role",
    "Sort",
    "Source",
    "Suggested",
    "TreeStep",
    "Triple",
    "WordContribution",
]
