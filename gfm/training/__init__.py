"""Training with Lightning: command line, schedules, run files, checks."""
