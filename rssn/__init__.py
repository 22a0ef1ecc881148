"""RSSN: training composites that do not betray themselves."""
