"""Proposers: make hypotheses (candidate reasons) from behavior, descriptions or a language model."""
