"""What files say: containers, tags, codings, pictures and clips."""
