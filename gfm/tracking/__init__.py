"""Records of runs, and their comparison with each other and with the paper."""
