"""A light network for clicks: the photograph is encoded once, every click is cheap."""
