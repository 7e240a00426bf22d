"""The guidelines for annotators: what each question means, with an example of either answer."""

from collections.abc import Mapping
from dataclasses import dataclass

from whybuy.records import Question


@dataclass(frozen=True, slots=True)
class Guideline:
    """One question in words (our wording; COSMO, SIGMOD 2024, names the five)."""

    asks: str
    means: str
    yes: str  # an example, and why
    no: str


GUIDELINES: Mapping[Question, Guideline] = {
    Question.COMPLETE: Guideline(
        "Is it a complete, fluent statement?",
        "Read it as a sentence. Small slips of grammar are fine; a reason that breaks off is not.",
        "slip-on shoe, made for pregnant women",
        "parcel scale, used for shipping small: small what?",
    ),
    Question.RELEVANT: Guideline(
        "Is it about this product or search?",
        "It speaks of this very thing, not of another that happened to lie in the same basket.",
        "dome tent, used for family camping",
        "dog leash, used for family camping",
    ),
    Question.INFORMATIVE: Guideline(
        "Does it say more than the names already do?",
        "Leave the title or the search out: you would learn something from the reason.",
        "rubber clogs, used in wet gardens",
        "running shoe, used as running shoes; or a phrase that fits anything, such as used for the same reason",
    ),
    Question.PLAUSIBLE: Guideline(
        "Could it explain why people buy this?",
        "Somebody could buy it for that, even if most do not.",
        "smart watch, used to tell the time",
        "floor lamp, used to keep feet dry",
    ),
    Question.TYPICAL: Guideline(
        "Is it a main reason to buy this?",
        "Many who buy it would name this reason, or nod at once.",
        "smart watch, used to count steps",
        "smart watch, used to tell the time: true, but hardly why it was bought",
    ),
}
