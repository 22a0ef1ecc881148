"""FBA matting: alpha, foreground and background from a photograph and a trimap."""
