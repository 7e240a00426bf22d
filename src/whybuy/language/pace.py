"""A rate limiter: spreads calls evenly over time, within the limits that a provider sets for each minute."""

from math import inf


class Pace:
    """Computes when the next call may start, from limits on calls and on tokens in a minute."""

    def __init__(self, requests_per_minute: float = inf, tokens_per_minute: float = inf) -> None:
        self._per_request = 60.0 / requests_per_minute
        self._per_token = 60.0 / tokens_per_minute
        self._free_at = 0.0

    def reserve(self, tokens: float, now: float) -> float:
        """Reserve the next call, with its expected tokens; returns the seconds to wait before it."""
        starts = max(now, self._free_at)
        self._free_at = starts + max(self._per_request, tokens * self._per_token)
        return starts - now

    def give_back(self, tokens: float) -> None:
        """Return reserved tokens that a call did not use."""
        if self._per_token > self._per_request:
            self._free_at -= tokens * self._per_token
