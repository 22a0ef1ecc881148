"""Interactive segmentation by clicks (Forte, thesis, chapter 3)."""
