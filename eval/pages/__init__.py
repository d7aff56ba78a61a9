"""What every page about records shows: words, numbers, plots and pictures."""
