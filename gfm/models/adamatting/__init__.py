"""AdaMatting (Cai et al. 2019): a corrected trimap, and the matte that follows from it."""
