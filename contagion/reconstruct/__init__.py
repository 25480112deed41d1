"""Networks from partial data: exposures that agree with the margins, one or an ensemble."""
