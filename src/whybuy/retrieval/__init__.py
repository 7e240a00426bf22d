"""Query → products: lexical search, expansion by intents, and their fusion."""
