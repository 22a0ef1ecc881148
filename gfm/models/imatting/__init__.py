"""Interactive matting: one network for segmentation, clicks and trimaps (thesis, chapter 5)."""
