"""Extreme multi-label ranking: a tree of labels, linear rankers on it, beam search.

XR-Linear of PECOS (Yu et al., arXiv 2010.05878; for product search: Chang et al., KDD 2021, arXiv 2106.12657).
"""
