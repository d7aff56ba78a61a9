"""Your own RAW files, images and clips, enhanced: what is read, made and written."""
