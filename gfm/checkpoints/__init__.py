"""Models on disk, on the hub, and in the package."""
