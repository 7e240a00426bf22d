"""Query completion: a typed prefix and the session -> completions, best first."""
