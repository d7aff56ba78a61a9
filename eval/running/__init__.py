"""One run of a method: settled, its pairs read, run, scored and kept, here or elsewhere."""
