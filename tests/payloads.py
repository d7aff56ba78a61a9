"""Texts that try to become elements, attributes, addresses or scripts of a page."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

from eval.record import MetricUse, Outside, Record
from tests.records import record, rows

PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "<a href=javascript:alert(1)>x</a>",
    "{{ 7 * 7 }}{% raw %}",
    "--><iframe srcdoc='<script>alert(1)</script>'>",
    "<template><base href=//evil></template>",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "//evil.example/x.js",
    "https://evil.example/",
    "../../../../etc/passwd",
    "..\\..\\windows",
    "<img src=x onerror=alert(1)>",
    "<img src=`x`onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<select><option></select><script>alert(1)</script>",
    "<object data=javascript:alert(1)>",
    "<embed src=//evil.example/x.swf>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css';</style>",
    "<base href=//evil.example/>",
    "<form action=//evil.example><button>x</button></form>",
    "<iframe src=//evil.example></iframe>",
    "<!--<script>alert(1)//-->",
    "]]><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\u2028</script>\u2029",
    "\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
    "\u202e>tpircs<",
    "＜script＞alert(1)＜/script＞",
    "'-alert(1)-'",
    '";alert(1);//',
    "${alert(1)}",
    "`${alert(1)}`",
    "{% import os %}{{ self.__init__ }}",
    "{{ ''.__class__.__mro__ }}",
    '=HYPERLINK("//evil.example")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "}}@misc{x, note={\\write18{rm -rf /}}",
    "x" * 5000,
    "a\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>",
    "#a=1&b=<script>",
)


class Page(HTMLParser):
    """The elements of a page, all attributes, all text; left out is <wbr>, the break of a name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags += [tag] if tag != "wbr" else []
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def poisoned(payload: str) -> Record:
    """Return a record with the payload in every free-text field."""
    scored = [
        replace(
            row, group=payload, split=payload, camera=f"{payload}{n % 2}",
            scores={payload: row.scores["psnr"]},
        )
        for n, row in enumerate(rows())
    ]  # fmt: skip
    scored[0] = replace(scored[0], pair=f"scene/{payload}")
    texts = ("track", "dataset", "protocol", "split", "method", "label", "digest", "created")
    more = ("reference_digest", "weights_sha256", "trained_on_digest")
    return record(
        scored,
        metrics={payload: MetricUse(payload, payload, "higher")},
        **dict.fromkeys((*texts, *more), payload),
        options={payload: payload},
        trained_on=(payload,),
        outside=Outside(payload, payload),
        software={payload: payload},
        hardware={payload: payload},
        timing={payload: payload, "median_s": 1.0},
    )
