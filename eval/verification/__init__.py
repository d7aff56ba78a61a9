"""Whether a record stands: its claims held against what is at hand, its scores made again."""
