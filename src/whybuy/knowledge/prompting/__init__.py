"""The language-model proposer (COSMO, SIGMOD 2024, §3.2): prompts, answers, and what is read out of them."""
