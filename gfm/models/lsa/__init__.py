"""LSA matting: a matte from a photograph and a trimap (Wang et al., ICME 2022)."""
