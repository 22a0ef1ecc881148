"""Building shards from photographs and backgrounds: plan, prepare, compose, resume."""
