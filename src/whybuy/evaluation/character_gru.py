"""The neural baseline of completion: a recurrent network that generates the next query letter by letter.

A GRU over letters (Cho et al. 2014) encodes the previous query and generates the next one; suggestions are what a beam
search from the prefix finds. A small network, for comparison only.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from whybuy.language.pretrained import require

if TYPE_CHECKING:
    import torch

_PAD, _BREAK, _END = "\x00", "\x01", "\x02"
_LONGEST = 60  # letters of a query


@dataclass(frozen=True, slots=True)
class GruConfig:
    """How the network is built and trained."""

    width: int = 128
    letters: int = 32  # dimensions of a letter
    batch: int = 128
    learning_rate: float = 2e-3
    epochs: int = 3
    beam: int = 10
    seed: int = 0


class CharacterGru:
    """A trained network."""

    def __init__(self, alphabet: str, parts: "tuple[Any, Any, Any]", beam: int) -> None:
        """parts: embedding, GRU, head."""
        self._code = {letter: code for code, letter in enumerate(alphabet)}
        self._alphabet, self._parts, self._beam = alphabet, parts, beam

    @classmethod
    def fit(
        cls,
        pairs: Sequence[tuple[str, str]],
        config: GruConfig,
        *,
        listen: Callable[[str], None] = lambda line: None,
    ) -> Self:
        """pairs: previous query, "" where there was none, and the next one, both folded.

        Raises:
            MissingExtraError: torch is missing.
        """
        require("torch", asker="The neural baseline", extra="neural")
        import torch  # noqa: PLC0415 - seconds to load, and an extra

        torch.manual_seed(config.seed)
        alphabet = "".join(
            [_PAD, _BREAK, _END, *sorted({letter for pair in pairs for text in pair for letter in text})]
        )
        parts = (
            torch.nn.Embedding(len(alphabet), config.letters),
            torch.nn.GRU(config.letters, config.width, batch_first=True),
            torch.nn.Linear(config.width, len(alphabet)),
        )
        made = cls(alphabet, parts, config.beam)
        optimizer = torch.optim.Adam([one for part in parts for one in part.parameters()], lr=config.learning_rate)
        rng = np.random.default_rng(config.seed)
        for epoch in range(config.epochs):
            started, losses = time.perf_counter(), list[float]()
            order = rng.permutation(len(pairs))
            for first in range(0, len(order), config.batch):
                loss = made._loss([pairs[at] for at in order[first : first + config.batch]])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            took = time.perf_counter() - started
            listen(f"network: epoch {epoch + 1} of {config.epochs}, loss {np.mean(losses):.3f} a letter, {took:.0f} s")
        return made

    def complete(self, prefix: str, previous: Sequence[str], *, limit: int = 10) -> list[str]:
        """The likeliest texts that begin with a prefix, by beam search. previous: the query just before first."""
        import torch  # noqa: PLC0415 - there since `fit`

        codes = self._codes((previous[0] if previous else "")[:_LONGEST] + _BREAK + prefix)
        if any(code is None for code in codes):
            return []
        embedding, gru, head = self._parts
        end = self._code[_END]
        with torch.inference_mode():
            output, state = gru(embedding(torch.tensor([codes])))
            scores, texts, ended = torch.zeros(1), [prefix], list[tuple[float, str]]()
            shares = torch.log_softmax(head(output[:, -1]), -1)
            while texts and len(texts[0]) < _LONGEST:
                shares[:, :end] = -torch.inf  # neither pad nor break
                total = scores[:, None] + shares
                best, flat = total.flatten().topk(min(self._beam, total.numel()))
                row, code = flat // len(self._alphabet), flat % len(self._alphabet)
                ended += [
                    (float(one), texts[at]) for one, at, letter in zip(best, row, code, strict=True) if letter == end
                ]
                going = code != end
                row, code, scores = row[going], code[going], best[going]
                texts = [
                    texts[at] + self._alphabet[letter] for at, letter in zip(row.tolist(), code.tolist(), strict=True)
                ]
                if not texts or (len(ended) >= limit and scores.max() < sorted(ended)[-limit][0]):
                    break
                output, state = gru(embedding(code[:, None]), state[:, row].contiguous())
                shares = torch.log_softmax(head(output[:, -1]), -1)
        return [text for _, text in sorted(ended, reverse=True)[:limit]]

    def _codes(self, text: str) -> list[int | None]:
        return [self._code.get(letter) for letter in text]

    def _loss(self, pairs: Sequence[tuple[str, str]]) -> "torch.Tensor":
        """Mean negative log-likelihood of the letters of the next queries, in nats."""
        import torch  # noqa: PLC0415 - there since `fit`

        texts = [previous[:_LONGEST] + _BREAK + following[:_LONGEST] + _END for previous, following in pairs]
        longest = max(map(len, texts))
        codes = torch.tensor([self._codes(text.ljust(longest, _PAD)) for text in texts])
        embedding, gru, head = self._parts
        output, _ = gru(embedding(codes[:, :-1]))
        wanted = codes[:, 1:]
        written = torch.cumsum(codes == self._code[_BREAK], 1)[:, :-1].bool() & (wanted != self._code[_PAD])
        return torch.nn.functional.cross_entropy(head(output[written]), wanted[written])
