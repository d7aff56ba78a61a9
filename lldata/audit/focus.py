"""Whether the long frame is in focus: how far its sharpest edges are blurred.

The limit is calibrated by Gaussian blur, sigma in packed pixels, planted on 74 pictures (26 SID
tiles, 8 photographs of LIME and DICM, 40 of LOL) at four levels of light and noise, 296 in all; the
blur that is measured is about half of the planted one below 2 px, as texture counts as edges. At
1 px measured none is called blurred at 0 and 0.5 px planted (95 % interval up to 1 %), 5 % are at
1 px, 25 % at 1.5, 83 % at 2, all at 2.5 and 3, and at 4 all but 2, whose edges are lost in noise.
"""

from __future__ import annotations

from lldata.audit import Finding
from lldata.audit.evidence import Pair, Scene
from lldata.measures.sharpness import edge_blur

MEANING = (
    "The sharpest edges of the long exposure are measured: how many pixels wide is the blur they "
    "have been through, free of noise. A warning means that nothing in the frame is sharp, for "
    "want of focus or because the camera shook: methods would learn to blur. Focus by hand at full "
    "magnification, check the tripod and shoot the scene again."
)


def audit(pair: Pair) -> Finding:
    """Judge the blur of the long's sharpest edges, packed pixels."""
    limit, blur = pair.scene.protocol.limits.focus_warn, pair.scene.once(_blur)
    if blur is None:
        message = "too few edges in the long to measure its focus"
        return pair.finding("focus", "unknown", None, limit, message)
    said = f"the long's sharpest edges are blurred by {blur:.1f} packed px"
    if blur > limit:
        message = f"{said}: out of focus or shaken. Look at it at full size"
        return pair.finding("focus", "warn", blur, limit, message)
    return pair.finding("focus", "pass", blur, limit, said)


def _blur(scene: Scene) -> float | None:
    return edge_blur(scene.long_halves)
