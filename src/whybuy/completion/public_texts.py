"""Which texts of few shoppers are no secret: those that stand in a public text, word for word (our design)."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Set

from whybuy.completion.folding import fold
from whybuy.text import FUNCTION_WORDS


def standing_in(texts: Iterable[str], public: Iterable[str]) -> Set[str]:
    """Those of some texts that are words of a public text, in its order and with nothing left out between them.

    Spaces may differ ("xkart360"). What breaks off behind a function word ("gears of") is none.
    """
    spelled: defaultdict[str, list[str]] = defaultdict(list)
    for text in texts:
        if run := fold(text).replace(" ", ""):
            spelled[run].append(text)
    wanted = sorted(spelled)
    found = {run for text in public for run in _runs(fold(text).split(), wanted)}
    return frozenset(text for run in found for text in spelled[run])


def _runs(words: list[str], wanted: list[str]) -> Iterable[str]:
    """The runs of words, written as one, that are wanted. wanted: sorted."""
    for start in range(len(words)):
        run, at = "", 0
        for place, word in enumerate(words[start:], start + 1):
            run += word
            at = bisect_left(wanted, run, at)
            if at == len(wanted) or not wanted[at].startswith(run):
                break
            if wanted[at] == run and (word not in FUNCTION_WORDS or place == len(words)):
                yield run
