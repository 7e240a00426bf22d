"""Splits, judgments, significance and reports."""
