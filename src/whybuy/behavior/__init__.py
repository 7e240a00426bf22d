"""Logs become sessions, sessions become search-buy and co-buy pairs."""
