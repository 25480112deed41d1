"""Many scenarios through a model: losses, defaults, VaR and ES with their errors, resumable."""
