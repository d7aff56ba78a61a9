"""What is measured from frames: shift, light, noise, sharpness, likeness."""
