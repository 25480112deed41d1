"""Random networks with balance sheets that add up, seeded."""
