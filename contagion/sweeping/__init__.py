"""A grid over any field of a model, rule, shock or generator, as one long table."""
