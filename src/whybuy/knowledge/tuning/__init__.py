"""COSMO-LM: instruction data from a built shop, and the tuning of a language model on it (COSMO, SIGMOD 2024)."""
