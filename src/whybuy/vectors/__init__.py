"""Texts to sparse vectors: word and character n-grams with TF-IDF, over a fitted vocabulary or by hashing."""
