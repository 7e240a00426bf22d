"""Proposers: what a shop's behavior, descriptions and a language model suggest as reasons, for filters and critic."""
