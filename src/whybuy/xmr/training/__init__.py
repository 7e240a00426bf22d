"""Makes label trees: clustering of labels, choice of negatives, linear rankers, packing, growth.

A process that only opens and searches trees loads nothing of it (held by a test).
"""
