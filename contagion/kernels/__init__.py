"""Arrays in, arrays out: numpy and scipy only. Last axis nodes, leading axes scenarios."""
