"""What a dataset is turned into: packed file, exports, card, sheets, pictures of a report."""
