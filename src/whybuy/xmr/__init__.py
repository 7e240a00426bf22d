"""Extreme multi-label ranking: a label tree, linear rankers on it, beam search (PECOS XR-Linear, fact sheet §3)."""
