"""Spreads calls evenly over time, so that no minute sees more of them than a provider allows."""

from math import inf


class Pace:
    """When the next call may start, under limits a minute on calls and on their tokens."""

    def __init__(self, requests_per_minute: float = inf, tokens_per_minute: float = inf) -> None:
        self._per_request = 60.0 / requests_per_minute
        self._per_token = 60.0 / tokens_per_minute
        self._free_at = 0.0

    def reserve(self, tokens: float, now: float) -> float:
        """Take the next turn, for a call of so many tokens; returns the seconds to wait until it."""
        starts = max(now, self._free_at)
        self._free_at = starts + max(self._per_request, tokens * self._per_token)
        return starts - now

    def give_back(self, tokens: float) -> None:
        """Say that a call took fewer tokens than were reserved."""
        if self._per_token > self._per_request:
            self._free_at -= tokens * self._per_token
