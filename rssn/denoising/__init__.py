"""BM3D denoising: fast on the CPU, in torch, or by the reference package."""
