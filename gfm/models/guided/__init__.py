"""A light network for trimaps and masks: alpha, F and B at the photograph's own size."""
