"""A sensor's noise from darks, flats and bursts."""
