"""Official scorecards: G-SIB scores, surcharges, large-exposure limits, interconnectedness."""
