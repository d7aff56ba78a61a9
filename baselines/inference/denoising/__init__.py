"""What denoisers of several methods share: blocks, dictionaries, levels of noise."""
