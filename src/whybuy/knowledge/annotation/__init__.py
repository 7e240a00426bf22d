"""Annotation of hypotheses by people: sampling, agreement of judges, and the answer that counts for each item."""
