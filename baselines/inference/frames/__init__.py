"""Whole frames through trained networks: weights, sizes, packed planes."""
