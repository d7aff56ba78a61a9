"""Public sets: download, verify, unpack."""
