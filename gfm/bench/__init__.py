"""A comparison of matting methods on one's own photographs: `gfm bench`."""
