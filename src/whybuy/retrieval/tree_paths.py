"""The path to a product through the label tree, in words: the name of each step and what query words contributed."""

from collections.abc import Iterable, Sequence

from whybuy.records import TreeStep, WordContribution
from whybuy.text import tokenize
from whybuy.vectors.ngrams import NgramVectorizer
from whybuy.xmr.explanation import Contribution, Explanation

THIS_PRODUCT = "this product"  # name of the last step
CONTRIBUTIONS = 6  # shown of the last step
INNER_CONTRIBUTIONS = 3  # shown of each other step


def words_by_column(vectorizer: NgramVectorizer, text: str) -> dict[int, str]:
    """The word or phrase of a text that each known column stands for; letters stand for the first word with them."""
    words = {column: name.replace('"', "") for column, name in vectorizer.names(text).items()}
    for word in reversed(dict.fromkeys(tokenize(text))):
        words |= dict.fromkeys(vectorizer.names(word), word)
    return words


def steps_in_words(explanation: Explanation, names: Sequence[str], words: dict[int, str]) -> tuple[TreeStep, ...]:
    """The steps of a path for people. names: by node. words: of `words_by_column`."""
    *inner, last = explanation.path
    steps = [
        TreeStep(names[step.node], _rounded(step.score), _contributions(step.contributions, words, INNER_CONTRIBUTIONS))
        for step in inner
    ]
    return (
        *steps,
        TreeStep(THIS_PRODUCT, _rounded(last.score), _contributions(last.contributions, words, CONTRIBUTIONS)),
    )


def _contributions(
    contributions: Iterable[Contribution], words: dict[int, str], limit: int
) -> tuple[WordContribution, ...]:
    amounts: dict[str, float] = {}
    for each in contributions:
        word = words[each.feature]
        amounts[word] = amounts.get(word, 0.0) + each.amount
    largest = sorted(amounts.items(), key=lambda item: -abs(item[1]))[:limit]
    return tuple(WordContribution(word, amount) for word, exact in largest if (amount := round(exact, 3)))


def _rounded(score: float) -> float:
    """To three significant digits: scores of long paths are small."""
    return float(f"{score:.3g}")
