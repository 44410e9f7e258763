"""Zip archives byte by byte, honest or lying in any field."""

import struct
import zlib
from dataclasses import dataclass, field
from functools import lru_cache

STORED, DEFLATED = 0, 8
FULL16, FULL32 = 0xFFFF, 0xFFFFFFFF


@dataclass
class Part:
    """One entry. What is None is told truthfully."""

    name: str | bytes
    body: bytes = b""
    method: int = STORED
    flags: int = 0
    #: The bytes in the archive, where they are not `body` or its deflate stream.
    packed: bytes | None = None
    #: What the directory says instead of the truth.
    listed: dict = field(default_factory=dict)
    #: What the local header says instead of the truth: size, packed_size, crc, method, flags, name, extra, signature.
    local: dict = field(default_factory=dict)
    #: Puts the numbers into a zip64 extra field of the directory.
    wide: bool = False

    def stream(self):
        if self.packed is not None:
            return self.packed
        return _deflate(self.body) if self.method == DEFLATED else self.body


@lru_cache(maxsize=64)
def _deflate(body):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(body) + packer.flush()


@lru_cache(maxsize=64)
def _checksum(body):
    return zlib.crc32(body)


def deflated(name, body, **lies):
    return Part(name, body, DEFLATED, **lies)


def _name(part, override=None):
    name = part.name if override is None else override
    return name.encode() if isinstance(name, str) else name


def local_bytes(part):
    """Local header and data."""
    facts = {
        "signature": b"PK\x03\x04",
        "flags": part.flags,
        "method": part.method,
        "crc": _checksum(part.body),
        "packed_size": len(part.stream()),
        "size": len(part.body),
        "extra": b"",
        **part.local,
    }
    name = _name(part, part.local.get("name"))
    return (
        facts["signature"]
        + struct.pack("<HHHI", 20, facts["flags"], facts["method"], 0x00210000)
        + struct.pack("<III", facts["crc"], facts["packed_size"], facts["size"])
        + struct.pack("<HH", facts.get("name_size", len(name)), facts.get("extra_size", len(facts["extra"])))
        + name
        + facts["extra"]
        + part.stream()
    )


def directory_bytes(part, offset):
    facts = {
        "signature": b"PK\x01\x02",
        "flags": part.flags,
        "method": part.method,
        "crc": _checksum(part.body),
        "packed_size": len(part.stream()),
        "size": len(part.body),
        "offset": offset,
        "extra": b"",
        "comment": b"",
        "disk": 0,
        **part.listed,
    }
    name = _name(part, part.listed.get("name"))
    wide = [facts["size"], facts["packed_size"], facts["offset"]]
    extra = facts["extra"]
    small = wide
    if part.wide:
        extra = struct.pack("<HHQQQ", 1, 24, *wide) + extra
        small = [FULL32] * 3
    return (
        facts["signature"]
        + struct.pack("<HHHHI", 20, 20, facts["flags"], facts["method"], 0x00210000)
        + struct.pack("<III", facts["crc"], small[1], small[0])
        + struct.pack(
            "<HHH", facts.get("name_size", len(name)), facts.get("extra_size", len(extra)), len(facts["comment"])
        )
        + struct.pack("<HHII", facts["disk"], 0, 0, small[2])
        + name
        + extra
        + facts["comment"]
    )


def end_bytes(count, size, offset, /, **lies):
    facts = {"disk": 0, "directory_disk": 0, "here": count, "count": count, "size": size, "offset": offset, **lies}
    comment = facts.get("comment", b"")
    return (
        b"PK\x05\x06"
        + struct.pack("<HHHH", facts["disk"], facts["directory_disk"], facts["here"], facts["count"])
        + struct.pack("<IIH", facts["size"], facts["offset"], facts.get("comment_size", len(comment)))
        + comment
    )


def end64_bytes(count, size, offset, at, /, **lies):
    """The zip64 end record, which lies at `at`, and its locator."""
    facts = {
        "count": count,
        "size": size,
        "offset": offset,
        "record": at,
        "disk": 0,
        "signature": b"PK\x06\x06",
        **lies,
    }
    return (
        facts["signature"]
        + struct.pack("<QHHII", 44, 45, 45, facts["disk"], 0)
        + struct.pack("<QQQQ", facts["count"], facts["count"], facts["size"], facts["offset"])
        + b"PK\x06\x07"
        + struct.pack("<IQI", 0, facts["record"], 1)
    )


def zip_bytes(parts, end=None, end64=None):
    """An archive of the parts; `end` and `end64` are lies of the end records (`end64={}` makes an honest one)."""
    return b"".join(piece for _, piece in pieces(parts, end, end64))


def pieces(parts, end=None, end64=None):
    """The archive in its structures, each with what it is: cutting between them is cutting at a boundary."""
    out, directory, position = [], [], 0
    for part in parts:
        directory.append((f"directory header of {part.name}", directory_bytes(part, position)))
        whole = local_bytes(part)
        header = len(whole) - len(part.stream())
        out += [(f"header of {part.name}", whole[:header]), (f"data of {part.name}", whole[header:])]
        position += len(whole)
    size = sum(len(piece) for _, piece in directory)
    out += directory
    if end64 is not None:
        out.append(("zip64 end record", end64_bytes(len(parts), size, position, position + size, **end64)))
    out.append(("end record", end_bytes(len(parts), size, position, **(end or {}))))
    return out
