"""The sum of the SSIM map, by OpenCV or in machine code; no metrics, so no extra is imported."""
