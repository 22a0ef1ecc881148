"""Names in the environment of `gfm serve`."""

TOKEN_VARIABLE = "GFM_SERVE_TOKEN"
