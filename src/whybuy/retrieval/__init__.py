"""Query -> ranked products: lexical search, expansion by intents, label tree, reranker; filters and facets."""
