"""What a file is, by its bytes and never by its name: the few kinds a desk needs, everything else refused."""

import re

PDF, JPEG, PNG, GIF, TIFF, HEIC = (
    "application/pdf",
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/tiff",
    "image/heic",
)
ENDINGS = {PDF: "pdf", JPEG: "jpg", PNG: "png", GIF: "gif", TIFF: "tif", HEIC: "heic"}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc"}
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR"
# What a PDF does by itself when it is opened.
PDF_ACTS = re.compile(rb"/JavaScript|/Launch\b|/EmbeddedFile|/JS\s*[(<\d]")
# Beginnings of what a browser would run; none belongs into a picture or a scan.
MARKUP = (b"<script", b"<html", b"<svg", b"<!doctype", b"<?php", b"<iframe", b"<body", b"javascript:")


def type_of(content: bytes) -> str:
    """The type of an accepted file, by its first bytes; empty for any other."""
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if content.startswith((b"II*\x00", b"MM\x00*")):
        return TIFF
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        return HEIC
    if content.startswith(b"%PDF-"):
        return PDF
    return ""


def why_refused(content: bytes) -> str:
    """Why a file is not taken, in words; empty for one that may go to the scanner."""
    found = type_of(content)
    if not content:
        return "empty file"
    if EICAR in content[:4096]:
        return "a virus was found"
    if not found:
        return "not a picture or a PDF"
    head, tail = content[:4096].lower(), content[-4096:].lower()
    if any(mark in head or mark in tail for mark in MARKUP):
        return "more than one kind of file in one"
    if found != PDF and b"%pdf-" in head[1:1024]:
        return "more than one kind of file in one"
    # An archive's directory stands at its end, so a picture can be one as well.
    if b"PK\x05\x06" in content[-66_000:]:
        return "more than one kind of file in one"
    if found == PDF and PDF_ACTS.search(content):
        return "a PDF that runs programs"
    return ""
