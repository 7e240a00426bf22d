"""How a product answers a query: learned from judged pairs, with and without the reasons behind query and product."""
