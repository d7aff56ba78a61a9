"""Frames of a clip one after another: patches, motion, smoothing in time."""
