"""The critic: models trained on judgments that score the plausibility and typicality of reasons."""
