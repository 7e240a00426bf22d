"""The closed vocabulary: the fifteen relations of COSMO (SIGMOD 2024), the only place that spells one."""

from dataclasses import dataclass
from enum import Enum, StrEnum

from whybuy.errors import InputError, closest


class TailKind(Enum):
    """What the tail of a relation names."""

    FUNCTION = "function or usage"
    EVENT = "event or activity"
    AUDIENCE = "audience"
    CONCEPT = "concept or product type"
    TIME = "time, season or event"
    LOCATION = "location or facility"
    BODY = "body part"
    COMPLEMENT = "complementary thing"
    INTEREST = "interest"
    ACTIVITY = "activity"


class Relation(StrEnum):
    """Why a product is bought; the value is the name in files and in the API."""

    USED_FOR_FUNCTION = "used_for_function"
    USED_FOR_EVENT = "used_for_event"
    USED_FOR_AUDIENCE = "used_for_audience"
    CAPABLE_OF = "capable_of"
    USED_TO = "used_to"
    USED_AS = "used_as"
    IS_A = "is_a"
    USED_ON = "used_on"
    USED_IN_LOCATION = "used_in_location"
    USED_IN_BODY = "used_in_body"
    USED_WITH = "used_with"
    USED_BY = "used_by"
    X_INTERESTED_IN = "x_interested_in"
    X_IS_A = "x_is_a"
    X_WANT = "x_want"

    @property
    def tail_kind(self) -> TailKind:
        """What the tail names."""
        return _MEANING[self].tail_kind

    @property
    def words(self) -> str:
        """The words that stand before the tail, for prompts and pages: "used for", "the buyer wants to"."""
        return _MEANING[self].words


class Seed(StrEnum):
    """The coarse relations with which a first round asks a language model; no edge has one (COSMO, SIGMOD 2024)."""

    USED_FOR = "used_for"
    CAPABLE_OF = "capable_of"
    IS_A = "is_a"
    CAUSE = "cause"


@dataclass(frozen=True, slots=True)
class _Meaning:
    tail_kind: TailKind
    words: str


_MEANING = {
    Relation.USED_FOR_FUNCTION: _Meaning(TailKind.FUNCTION, "used for"),
    Relation.USED_FOR_EVENT: _Meaning(TailKind.EVENT, "used for"),
    Relation.USED_FOR_AUDIENCE: _Meaning(TailKind.AUDIENCE, "made for"),
    Relation.CAPABLE_OF: _Meaning(TailKind.FUNCTION, "can"),
    Relation.USED_TO: _Meaning(TailKind.FUNCTION, "used to"),
    Relation.USED_AS: _Meaning(TailKind.CONCEPT, "used as"),
    Relation.IS_A: _Meaning(TailKind.CONCEPT, "is a"),
    Relation.USED_ON: _Meaning(TailKind.TIME, "used on"),
    Relation.USED_IN_LOCATION: _Meaning(TailKind.LOCATION, "used in"),
    Relation.USED_IN_BODY: _Meaning(TailKind.BODY, "used on"),
    Relation.USED_WITH: _Meaning(TailKind.COMPLEMENT, "used with"),
    Relation.USED_BY: _Meaning(TailKind.AUDIENCE, "used by"),
    Relation.X_INTERESTED_IN: _Meaning(TailKind.INTEREST, "the buyer likes"),
    Relation.X_IS_A: _Meaning(TailKind.AUDIENCE, "the buyer is"),
    Relation.X_WANT: _Meaning(TailKind.ACTIVITY, "the buyer wants to"),
}


def parse_relation(name: str) -> Relation:
    """The relation with this name.

    Raises:
        InputError: the name is not one of the fifteen; the message gives the nearest.
    """
    try:
        return Relation(name)
    except ValueError:
        hint = closest(name, (relation.value for relation in Relation))
        raise InputError(f"Relation {name!r} is not one of the {len(Relation)} in whybuy.relations.{hint}") from None
