"""What a folder holds, by kind of set, and the work done on one scene of it."""
