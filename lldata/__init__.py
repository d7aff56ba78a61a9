"""RAW files in, checked HDF5 out, samples out."""
