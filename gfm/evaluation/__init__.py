"""Evaluation of mattes, and the report."""
