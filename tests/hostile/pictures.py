"""Damaged and lying pictures among the calibration data."""

import struct
import zlib

from hostile import seeds
from hostile.case import Case


def chunk(kind, body, crc=None, size=None):
    crc = zlib.crc32(kind + body) if crc is None else crc
    return struct.pack(">I", len(body) if size is None else size) + kind + body + struct.pack(">I", crc)


def png(width=8, height=8, depth=8, color=2, rows=None, extra=b"", interlace=0, end=True):
    """A PNG whose header may say anything."""
    if rows is None:
        rows = b"".join(b"\0" + bytes(range(24)) for _ in range(8))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace))
    body = chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + head + extra + body + (chunk(b"IEND", b"") if end else b"")


def _segment(marker, body, size=None):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2 if size is None else size) + body


def jpeg(width=8, height=8, components=1, extra=b"", size=None, marker=0xC0, scan=b"\x3f\xff\xd9"):
    """A grey baseline JPEG of one flat block, whose header may say anything."""
    tables = _segment(0xDB, b"\0" + b"\x10" * 64)
    frame = struct.pack(">BHHB", 8, height, width, components) + b"".join(
        bytes([i + 1, 0x11, 0]) for i in range(components)
    )
    codes = bytes([0, 1] + [0] * 14)
    huffman = _segment(0xC4, b"\x00" + codes + b"\x00") + _segment(0xC4, b"\x10" + codes + b"\x00")
    start = bytes([components]) + b"".join(bytes([i + 1, 0]) for i in range(components)) + b"\0\x3f\0"
    return b"\xff\xd8" + extra + tables + _segment(marker, frame, size) + huffman + _segment(0xDA, start) + scan


def progressive_jpeg(scans):
    """A grey block in so many scans, of which each but the first says again that nothing follows."""
    whole = jpeg(marker=0xC2, scan=b"\xff\xd9")
    start = whole.rindex(b"\xff\xda")

    def scan(first, last):
        return _segment(0xDA, bytes([1, 1, 0, first, last, 0])) + b"\x3f"

    return whole[:start] + scan(0, 0) + scan(1, 63) * (scans - 1) + b"\xff\xd9"


def _exif(tiff):
    return _segment(0xE1, b"Exif\0\0" + tiff)


def picture(name, code, content, file):
    files = {"good.pt2": seeds.archive(), file: content}
    arguments = ("quantize", "good.pt2", "--calibrate", file, "--image-size", "8", "-o", "out.onnx")
    return Case(name, code, arguments, files)


PNGS = {
    "the signature alone": png()[:8],
    "half of it": png()[:60],
    "no end": png(end=False)[:-10],
    "a width of 0": png(width=0),
    "a width of 2^32-1": png(width=2**32 - 1),
    "a billion pixels": png(width=32_768, height=32_768),
    "2^62 pixels": png(width=2**31 - 1, height=2**31 - 1),
    "more rows than are stored": png(height=9),
    "no rows": png(rows=b""),
    "a depth of 3": png(depth=3),
    "a colour type of 5": png(color=5),
    "a palette that is missing": png(color=3),
    "another checksum": png().replace(b"IHDR", b"IHDQ"),
    "a chunk of 2 GiB": png(extra=struct.pack(">I", 2**31 - 1) + b"zTXt" + b"x" * 100),
    "Exif of 2 GiB": png(extra=struct.pack(">I", 2**31 - 1) + b"eXIf" + b"II*\0" + b"x" * 100),
    "a chunk of 4 GiB": png(extra=struct.pack(">I", 2**32 - 1) + b"tEXt" + b"x" * 100),
    "a profile that unpacks to 1 GiB": png(extra=chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(2**24), 9) * 64))[:-30],
    "an unknown chunk that must be known": png(extra=chunk(b"EVIL", b"x")),
    "two headers": png(extra=chunk(b"IHDR", struct.pack(">IIBBBBB", 4000, 4000, 8, 2, 0, 0, 0))),
    "a filter that is none": png(rows=b"".join(b"\x09" + bytes(24) for _ in range(8))),
    "rows that are no deflate stream": png().replace(
        zlib.compress(b"".join(b"\0" + bytes(range(24)) for _ in range(8)), 9), b"x" * 40
    ),
    "a JPEG": b"\x89PNG" + jpeg(),
}

JPEGS = {
    "the first bytes alone": b"\xff\xd8\xff",
    "half of its head": jpeg()[:60],
    "a width of 0": jpeg(width=0),
    "65,500 by 65,500 pixels": jpeg(width=65_500, height=65_500),
    "255 components": jpeg(components=255),
    "two components": jpeg(components=2),
    "a frame of one byte": jpeg(size=1),
    "a frame beyond the file": jpeg(size=65_535),
    "an unknown kind of frame": jpeg(marker=0xC3),
    "no scan": jpeg()[:-14],
    "bytes of chance": b"\xff\xd8" + bytes((i * 37 + 11) % 256 for i in range(4000)),
    "text": b"JPEG",
    "an archive": b"PK\x03\x04" + b"\0" * 100,
    "a web page": b"<html>404</html>",
}

#: Taken as they are: a picture is worth more than what is written beside it.
ODD = {
    "Exif that ends early": jpeg(extra=_exif(b"II*\0")),
    "Exif whose directory lies behind it": jpeg(extra=_exif(b"II*\0\xff\xff\xff\x7f")),
    "Exif of 65,535 entries": jpeg(extra=_exif(b"II*\0\x08\0\0\0\xff\xff")),
    "Exif that turns by 77": jpeg(extra=_exif(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x4d\0\0\0")),
    "Exif that leads to itself": jpeg(extra=_exif(b"MM\0*\0\0\0\x08\0\0\0\0\0\x08")),
    "a hundred Exif blocks": jpeg(extra=_exif(b"II*\0") * 100),
    "a scan that ends early": jpeg(scan=b""),
}


def cases():
    for title, content in PNGS.items():
        yield picture(f"a PNG with {title}", "data.image", content, "bad.png")
    for title, content in JPEGS.items():
        yield picture(f"a JPEG with {title}", "data.image", content, "bad.jpg")
    for title, content in ODD.items():
        yield picture(f"a JPEG with {title}", None, content, "bad.jpg")
