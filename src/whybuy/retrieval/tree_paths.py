"""The path to a product through the label tree, in words: the name of each step and what query words contributed."""

from collections.abc import Iterable, Sequence

from whybuy.records import TreeStep, WordContribution
from whybuy.text import tokenize
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.explanation import Contribution, Explanation

THIS_PRODUCT = "this product"  # name of the last step
SIGNS = 6  # shown of the last step
SIGNS_ON_THE_WAY = 3  # shown of each other step


def words_by_column(vectorizer: NgramVectorizer, text: str) -> dict[int, str]:
    """The word or phrase of a text that each known column stands for; letters stand for the first word with them."""
    said = {column: name.replace('"', "") for column, name in vectorizer.names(text).items()}
    for word in reversed(dict.fromkeys(tokenize(text))):
        said |= dict.fromkeys(vectorizer.names(word), word)
    return said


def steps_in_words(explanation: Explanation, names: Sequence[str], words: dict[int, str]) -> tuple[TreeStep, ...]:
    """A way through the tree for people. names: by node. words: of `words_by_column`."""
    *way, last = explanation.path
    steps = [
        TreeStep(names[step.node], _rounded(step.score), _signs(step.contributions, words, SIGNS_ON_THE_WAY))
        for step in way
    ]
    return (*steps, TreeStep(THIS_PRODUCT, _rounded(last.score), _signs(last.contributions, words, SIGNS)))


def _signs(contributions: Iterable[Contribution], words: dict[int, str], most: int) -> tuple[WordContribution, ...]:
    amounts: dict[str, float] = {}
    for each in contributions:
        said = words[each.feature]
        amounts[said] = amounts.get(said, 0.0) + each.amount
    largest = sorted(amounts.items(), key=lambda item: -abs(item[1]))[:most]
    return tuple(WordContribution(said, amount) for said, exact in largest if (amount := round(exact, 3)))


def _rounded(score: float) -> float:
    """To three significant digits: scores of long ways are small."""
    return float(f"{score:.3g}")
