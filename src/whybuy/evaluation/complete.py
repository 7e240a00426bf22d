"""Measures completion at keystrokes: the rank of the intended query among the completions, and latency."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.evaluation.report import Report, Table
from whybuy.evaluation.search import Difference, significance

Complete = Callable[[str, tuple[str, ...]], Sequence[str]]
"""Folded prefix and earlier queries of the session, the latest first → folded suggestions, best first."""
SHOWN = 10
LENGTHS = {"1-3": (1, 3), "4-6": (4, 6), "7+": (7, 10_000)}  # letters of a prefix
SHORT = "1-3"
BASELINE, ORACLE, SESSION = "mfq", "oracle", "session"


@dataclass(frozen=True, slots=True)
class Keystroke:
    """A prefix of a logged query, with the whole query and the session before it."""

    prefix: str  # folded
    meant: str  # the whole query, folded
    previous: tuple[str, ...]  # queries of the session before it, the latest first
    corrected: str = ""  # the whole query as the shop spells it, folded; empty where that is the same or not known


@dataclass(frozen=True, slots=True, eq=False)
class MethodReport:
    """Results of one method by keystroke; all arrays have the shape (keystrokes,)."""

    rank: NDArray[np.int64]  # of what was meant, from 1; 0 where it is not shown
    corrected: NDArray[np.int64]  # the same, or of its right spelling where that is higher
    bleu: NDArray[np.float64]  # BLEU_RR
    milliseconds: NDArray[np.float64]
    saved: float  # share of the letters of whole queries that need not be typed

    @property
    def reciprocal(self) -> NDArray[np.float64]:
        """1 / rank of the intended query, 0 where it is not shown."""
        return _reciprocal(self.rank)

    @property
    def corrected_reciprocal(self) -> NDArray[np.float64]:
        """The same where the right spelling of the query counts too."""
        return _reciprocal(self.corrected)

    def as_json(self, kept: NDArray[np.bool_]) -> dict[str, float]:
        """Means over some of the keystrokes."""
        rank = self.rank[kept]
        return {
            "mrr@10": float(self.reciprocal[kept].mean()),
            "success@1": float((rank == 1).mean()),
            "success@10": float((rank > 0).mean()),
            "bleu_rr": float(self.bleu[kept].mean()),
            "corrected_mrr@10": float(self.corrected_reciprocal[kept].mean()),
        }

    def latency(self) -> dict[str, float]:
        """Milliseconds of a keystroke."""
        p50, p99 = np.percentile(self.milliseconds, [50, 99])
        return {"p50_ms": float(p50), "p99_ms": float(p99), "max_ms": float(self.milliseconds.max())}


@dataclass(frozen=True, slots=True, eq=False)
class CompletionReport:
    """Results of several methods at the same keystrokes."""

    keystrokes: Sequence[Keystroke]
    methods: Mapping[str, MethodReport]

    def parts(self) -> dict[str, NDArray[np.bool_]]:
        """Masks of all keystrokes, and of those by length of the prefix and by whether there is an earlier query."""
        lengths = np.array([len(one.prefix) for one in self.keystrokes])
        after = np.array([bool(one.previous) for one in self.keystrokes])
        parts = {name: (lengths >= low) & (lengths <= high) for name, (low, high) in LENGTHS.items()}
        parts |= {"all": np.ones_like(after), "after_a_query": after, "first_of_a_session": ~after}
        parts |= {f"{name}_after_a_query": parts[name] & after for name in LENGTHS}
        parts |= {f"{name}_first_of_a_session": parts[name] & ~after for name in LENGTHS}
        return {name: kept for name, kept in parts.items() if kept.any()}

    def share_of_oracle_gain(self) -> Difference | None:
        """How much of what the oracle gains over the baseline the session ranker gains, with a 95 % interval.

        In mean reciprocal rank at short prefixes after another query; None without oracle or such keystrokes.
        """
        kept = self.parts().get(f"{SHORT}_after_a_query")
        if kept is None or not {BASELINE, ORACLE, SESSION} <= self.methods.keys():
            return None
        base, oracle, session = (self.methods[name].reciprocal[kept] for name in (BASELINE, ORACLE, SESSION))
        possible = float((oracle - base).mean())
        gained = significance(session, base)
        if possible <= 0:
            return None
        return Difference(gained.mean / possible, gained.low / possible, gained.high / possible)

    def as_json(self) -> dict[str, object]:
        """The body that `whybuy evaluate complete --json` prints."""
        parts = self.parts()
        every = parts.pop("all")
        lengths = {name: kept for name, kept in parts.items() if name in LENGTHS}
        others = {name: kept for name, kept in parts.items() if name not in LENGTHS}
        methods = {
            name: {
                **one.as_json(every),
                "keystrokes_saved": one.saved,
                **one.latency(),
                "by_length": {part: one.as_json(kept) for part, kept in lengths.items()},
                "by_context": {part: one.as_json(kept) for part, kept in others.items()},
            }
            for name, one in self.methods.items()
        }
        share = self.share_of_oracle_gain()
        short = {"share_of_oracle_gain": share.mean, "interval": [share.low, share.high]} if share else {}
        others_than_session = [other for other in self.methods if other != SESSION and SESSION in self.methods]
        above, above_corrected = (
            {
                other: {part: asdict(one) for part, one in self.above(other, corrected=corrected).items()}
                for other in others_than_session
            }
            for corrected in (False, True)
        )
        return {
            "keystrokes": len(self.keystrokes),
            "methods": methods,
            "short_prefix_with_context": short,
            "session_above": above,
            "session_above_corrected": above_corrected,
        }

    def as_report(self) -> Report:
        """A table of the methods for each part of the keystrokes."""
        tables = [
            Table(
                {name: one.as_json(kept) | one.latency() for name, one in self.methods.items()},
                "method",
                f"{kept.sum():,} keystrokes, {part.replace('_', ' ')}",
            )
            for part, kept in self.parts().items()
        ]
        saved = Table(
            {name: {"share": one.saved} for name, one in self.methods.items()}, "method", "share of keys saved"
        )
        notes = []
        if share := self.share_of_oracle_gain():
            interval = f"({share.low:.2f} to {share.high:.2f})"
            notes = [f"session: {share.mean:.2f} of the oracle's gain at short prefixes {interval}"]
        return Report(f"{len(self.keystrokes):,} keystrokes", (*tables, saved), self.as_json, tuple(notes))

    def above(self, other: str, *, corrected: bool = False) -> dict[str, Difference]:
        """How much higher the session ranker's MRR is than another's, by part, with the interval of `significance`.

        corrected: whether the right spelling of a query counts too.
        """
        ours, theirs = (
            one.corrected_reciprocal if corrected else one.reciprocal
            for one in (self.methods[SESSION], self.methods[other])
        )
        return {part: significance(ours[kept], theirs[kept]) for part, kept in self.parts().items()}


def _reciprocal(rank: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(rank > 0, 1 / np.maximum(rank, 1), 0.0)


def keystrokes_of(
    queries: Sequence[tuple[str, tuple[str, ...]]],
    *,
    corrected: Callable[[str], str] = lambda text: "",
    seed: int = 0,
) -> list[Keystroke]:
    """A keystroke of each range of lengths that each query has, at a length drawn evenly within it.

    queries: folded text, and the earlier queries of its session, the latest first. corrected: a folded text as the shop
    spells it.
    """
    rng, keystrokes = np.random.default_rng(seed), []
    for text, previous in queries:
        for low, high in LENGTHS.values():
            if len(text) >= low:
                length = int(rng.integers(low, min(high, len(text)) + 1))
                keystrokes.append(Keystroke(text[:length], text, previous, corrected(text)))
    return keystrokes


def evaluate_completion(
    methods: Mapping[str, Complete], keystrokes: Sequence[Keystroke], *, typed_out: int = 300
) -> CompletionReport:
    """Run each method at each keystroke.

    typed_out: queries that are typed letter by letter, for the share of keystrokes saved.

    Raises:
        InputError: there is no keystroke.
    """
    if not keystrokes:
        raise InputError("There is no keystroke to measure. Hold more of the log back.")
    whole = list(dict.fromkeys((one.meant, one.previous) for one in keystrokes))
    chosen = whole[:: max(1, len(whole) // typed_out)][:typed_out]
    return CompletionReport(keystrokes, {name: _measure(one, keystrokes, chosen) for name, one in methods.items()})


def _measure(
    complete: Complete, keystrokes: Sequence[Keystroke], typed_out: Sequence[tuple[str, tuple[str, ...]]]
) -> MethodReport:
    ranks, corrected, bleu, milliseconds = [], [], [], []
    complete(keystrokes[0].prefix, keystrokes[0].previous)  # what is compiled is not timed
    for one in keystrokes:
        started = time.perf_counter()
        shown = complete(one.prefix, one.previous)
        milliseconds.append(1000 * (time.perf_counter() - started))
        shown = list(shown)[:SHOWN]
        places = {text: place for place, text in reversed(list(enumerate(shown, 1)))}
        ranks.append(places.get(one.meant, 0))
        corrected.append(min(filter(None, map(places.get, (one.meant, one.corrected))), default=0))
        bleu.append(bleu_rr(one.meant, shown))
    typed = [_typed(complete, meant, previous) for meant, previous in typed_out]
    saved = 1 - sum(typed) / max(1, sum(len(meant) for meant, _ in typed_out))
    return MethodReport(np.array(ranks), np.array(corrected), np.array(bleu), np.array(milliseconds), saved)


def _typed(complete: Complete, meant: str, previous: tuple[str, ...]) -> int:
    """Number of letters to type until the intended query is shown."""
    shown = (length for length in range(1, len(meant)) if meant in list(complete(meant[:length], previous))[:SHOWN])
    return next(shown, len(meant))


def bleu_rr(meant: str, shown: Sequence[str]) -> float:
    """Reciprocal-rank weighted BLEU (Yadav et al., KDD 2021): in [0, 1], higher is better; 0 of no completions.

    NLTK's sentence_bleu with its first smoothing, over words; so texts of less than four words stay below 1. NaN where
    NLTK is not installed.
    """
    weights = [1 / rank for rank in range(1, len(shown) + 1)]
    score = sum(weight * _bleu(meant, text) for weight, text in zip(weights, shown, strict=True))
    return score / sum(weights) if shown else 0.0


@lru_cache(maxsize=200_000)
def _bleu(meant: str, text: str) -> float:
    try:
        from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu  # noqa: PLC0415 - slow, and an extra
    except ModuleNotFoundError:
        return float("nan")
    return float(sentence_bleu([meant.split()], text.split(), smoothing_function=SmoothingFunction().method1))
