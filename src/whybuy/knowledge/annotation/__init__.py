"""Annotation by people: which hypotheses to ask about, how far judges agree, and what their answers settle."""
