"""The offline line from behavior pairs and catalog to hypotheses about why people buy."""
