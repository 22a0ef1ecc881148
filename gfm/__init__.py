"""GFM: glance-and-focus matting from a single photograph."""
