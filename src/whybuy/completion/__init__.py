"""What a shopper is about to ask: a prefix → completions that others have asked, best first."""
