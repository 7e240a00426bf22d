"""Readers of product feeds, and the products that they give."""
