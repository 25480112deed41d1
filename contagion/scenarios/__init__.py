"""Many shocks as arrays that stream: a scenario set is drawn block by block, seeded."""
