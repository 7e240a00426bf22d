"""Makes label trees: clustering, negatives, solver, packing. A process that only searches loads none of it."""
