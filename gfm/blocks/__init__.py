"""Building blocks of networks; they take channels, never names."""
