"""Inspection of builds: verify, index, contact sheet, one sample rebuilt."""
