"""The page of completions that one prefix gets, and the words that no completion may contain."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from whybuy.completion.folding import fold
from whybuy.records import Completion, CompletionSource, Fit

Identity = int | str
"""What two completions of one page differ in: the folded text, or the hash of the word key."""


@dataclass(slots=True)
class Page:
    """The completions of one prefix, in the order in which they were added."""

    prefix: str
    limit: int
    distinct: bool
    shown: dict[Identity, Completion] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        """Whether there are `limit` completions."""
        return len(self.shown) >= self.limit

    def with_live(self, live: Mapping[Identity, Completion], *, by_weight: bool) -> list[Completion]:
        """The page with live queries merged in: better fits first, composed ones last of each fit.

        Of one fit the order is by score, or, where the page follows the session (not by_weight), its own order before
        that of live queries. Of one identity the higher score stays. Completions that only share the first letters
        are left out where there are others.
        """
        every = dict(self.shown)
        for identity, one in live.items():
            known = every.get(identity, one)
            before = one if known.source is CompletionSource.COMPOSED else known
            every[identity] = replace(before, score=max(before.score, one.score))
        fits = list(Fit)
        ranked = sorted(
            every.values(),
            key=lambda one: (
                fits.index(one.fit),
                one.source is CompletionSource.COMPOSED,
                -one.score if by_weight else 0.0,
            ),
        )
        fitting = [one for one in ranked if one.fit is not Fit.SHORTER]
        return (fitting or ranked)[: self.limit]


class Blocklist:
    """Words and phrases that no completion may contain, as whole words."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._folded = [f" {key} " for phrase in phrases if (key := fold(phrase))]

    def __bool__(self) -> bool:
        return bool(self._folded)

    def __contains__(self, key: str) -> bool:
        return any(phrase in f" {key} " for phrase in self._folded)
