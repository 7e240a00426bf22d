"""The language-model proposer (COSMO, Yu et al., SIGMOD 2024): prompts, answers, and what is read out of them."""
