"""Small pieces of HTML: escaping, links, times and the frame of every page."""

from __future__ import annotations

import html
import re
from datetime import datetime

from .pictures import ENCLOSURES
from .wire import Response

URL = re.compile(r"https?://[^\s<>\"']+")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
PHONE_ICON = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><rect x="6" y="2" width="12" height="20" rx="3"/>'
    '<path d="M10.5 18.5h3"/></svg>'
)


def escape(text: str) -> str:
    """Return text that is safe in HTML, in attributes too."""
    return html.escape(text, quote=True)


def linked(text: str) -> str:
    """Return text as HTML in which addresses open in a new tab."""
    parts, end = [], 0
    for match in URL.finditer(text):
        address = match[0].rstrip(".,;:!?)]")
        parts.append(escape(text[end : match.start()]))
        shown = escape(address)
        parts.append(f'<a href="{shown}" target="_blank" rel="noopener noreferrer">{shown}</a>')
        end = match.start() + len(address)
    parts.append(escape(text[end:]))
    return "".join(parts)


def local(moment: str) -> datetime:
    """Return a stored moment on this machine's clock."""
    return datetime.fromisoformat(moment).astimezone()


def day_words(moment: str) -> str:
    """Return the day of a moment the way people say it."""
    then, today = local(moment).date(), datetime.now().astimezone().date()
    if (today - then).days in (0, 1):
        return "Today" if today == then else "Yesterday"
    return f"{then:%A}, {then.day} {then:%B %Y}"


def time_tag(moment: str, with_day: bool = False) -> str:
    """Return a time element; with the day when it was not today."""
    then = local(moment)
    words = f"{then:%H:%M}"
    if with_day and then.date() != datetime.now().astimezone().date():
        words = f"{then.day} {then:%b}"
    return f'<time datetime="{escape(moment)}">{words}</time>'


def frame(title: str, current: str, body: str, kind: str = "") -> bytes:
    """Return a whole page."""

    def tab(path: str, words: str) -> str:
        mark = ' aria-current="page"' if path == current else ""
        return f'<a href="{path}"{mark}>{words}</a>'

    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} · Demo phone</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/phone.css">
<script src="/static/phone.js" defer></script>
</head>
<body class="{escape(kind)}">
<header class="top">
<a class="mark" href="/">{PHONE_ICON}
<span><b>Demo phone</b> <span class="sub">pretend supplier</span></span></a>
<nav aria-label="Pages">{tab("/", "Phones")}{tab("/mails", "Mails")}</nav>
<p class="calm">Nothing here is really sent.</p>
</header>
{body}
</body>
</html>
""".encode()


def page(title: str, current: str, body: str, kind: str = "", status: int = 200) -> Response:
    """Answer with a whole page."""
    return Response(status, frame(title, current, body, kind), "text/html; charset=utf-8", dict(HEADERS))


def enclosing() -> str:
    """Return the boxes for what can be sent along."""
    boxes = "".join(
        f'<label><input type="checkbox" name="enclosed" value="{name}"> {escape(one.words)}</label>'
        for name, one in ENCLOSURES.items()
    )
    return f'<details class="enclose"><summary>Send something along</summary><div>{boxes}</div></details>'
