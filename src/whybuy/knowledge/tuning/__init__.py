"""Instruction data: what a shop knows as questions and answers, from which COSMO-LM learns."""
