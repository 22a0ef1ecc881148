"""Composition routes: background, denoising, blur, blending, noise."""
