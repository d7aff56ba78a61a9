"""Systems of equations on the pixels of a picture, and how they are solved."""
