"""What would change it: interventions, before and after, and the cheapest mix."""
