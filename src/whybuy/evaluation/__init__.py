"""Measures search, completion, intents, graph, critic and language models: splits, significance, reports, recipes."""
