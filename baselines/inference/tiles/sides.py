"""The sides of a patch and of the region around it, as options give them."""

from __future__ import annotations

from lldata.errors import MethodError


def check_sides(crop: int, region: int) -> None:
    """Refuse a patch that is not in the middle of its region, pixel by pixel.

    Parameters
    ----------
    crop, region : sides of patch and region, px

    Raises
    ------
    MethodError
        If the region is smaller than the patch, or one side is odd and the other even.
    """
    if region < crop:
        raise MethodError(
            "--set crop, region", f"they are {crop} and {region} px", "a region holds its patch",
            "Make the crop smaller (--set crop=N) or the region larger (--set region=N)",
        )  # fmt: skip
    if (region - crop) % 2:
        raise MethodError(
            "--set crop, region", f"they are {crop} and {region} px, and one is odd",
            "patch and region need the same centre",
            "Change one of them by a pixel (--set crop=N or --set region=N)",
        )  # fmt: skip
