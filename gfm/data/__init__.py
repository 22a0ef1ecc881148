"""Training data: crops, samples, loader, mixtures, the Lightning data module."""
