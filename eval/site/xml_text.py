"""Text that an XML file may hold: HTML forgives control characters, XML parsers stop at them."""

from __future__ import annotations

import re

_REFUSED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(text: str) -> str:
    """Return `text` without characters that XML 1.0 does not allow."""
    return _REFUSED.sub("\ufffd", text)
