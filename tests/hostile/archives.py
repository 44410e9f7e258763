"""Zip archives that lie, as .pt2 files."""

import struct
import zlib

from hostile import seeds
from hostile.case import model
from hostile.zips import FULL16, FULL32, Part, deflated, directory_bytes, end_bytes, local_bytes, pieces, zip_bytes

MODEL = 2  # of seeds.parts(): m/models/model.json


def _changed(index=MODEL, **changes):
    """The honest entries with one changed."""
    parts = seeds.parts()
    for name, value in changes.items():
        setattr(parts[index], name, value)
    return parts


def _with(*extra):
    return [*seeds.parts(), *extra]


def lying_sizes():
    cases = {
        "the directory says one byte more": ("archive.corrupt", {"listed": {"size": 10_001}}),
        "the directory says less than is stored": ("archive.corrupt", {"listed": {"packed_size": 5}}),
        "an entry of 4 GiB in a small file": (
            "archive.bounds",
            {"listed": {"size": FULL32 - 1, "packed_size": FULL32 - 1}},
        ),
        "an entry that begins behind the file": ("archive.bounds", {"listed": {"offset": 0x7FFFFFFF}}),
        "an entry that begins in the middle of another": ("archive.corrupt", {"listed": {"offset": 17}}),
        "a zip64 entry of 2^64-1 bytes": (
            "archive.bounds",
            {"wide": True, "listed": {"size": 2**64 - 1, "packed_size": 2**64 - 1}},
        ),
        "a zip64 entry at 2^64-30": ("archive.bounds", {"wide": True, "listed": {"offset": 2**64 - 30}}),
        "a zip64 entry whose end wraps around": (
            "archive.bounds",
            {"wide": True, "listed": {"size": 2**64 - 100, "packed_size": 2**64 - 100}},
        ),
        "the local header says another size": ("archive.corrupt", {"local": {"size": 3, "packed_size": 3}}),
        "the local header says another packed size": ("archive.corrupt", {"local": {"packed_size": 77}}),
        "the local header says another checksum": ("archive.corrupt", {"local": {"crc": 77}}),
        "the local header says another method": ("archive.corrupt", {"local": {"method": 8}}),
        "the local header has a name beyond the file": ("archive.bounds", {"local": {"name_size": FULL16}}),
        "the local header has an extra field beyond the file": ("archive.bounds", {"local": {"extra_size": FULL16}}),
        "the local header has another name": ("archive.corrupt", {"local": {"name": "m/models/other.json"}}),
        "the local header is none": ("archive.corrupt", {"local": {"signature": b"PK\x03\x05"}}),
        "a directory header is none": ("archive.corrupt", {"listed": {"signature": b"PK\x01\x03"}}),
        "a directory name beyond the directory": ("archive.corrupt", {"listed": {"name_size": FULL16}}),
        "a directory extra field beyond the directory": ("archive.corrupt", {"listed": {"extra_size": FULL16}}),
        "a zip64 field that is cut short": (
            "archive.bounds",
            {"listed": {"size": FULL32, "packed_size": FULL32, "extra": struct.pack("<HHI", 1, 4, 9)}},
        ),
    }
    for name, (code, changes) in cases.items():
        yield model(name, code, zip_bytes(_changed(**changes)))


def lying_end():
    honest = seeds.parts()
    ends = {
        "the directory lies behind the end": ("archive.bounds", {"offset": 0x7FFFFFFF}),
        "the directory is longer than the file": ("archive.bounds", {"size": 0x7FFFFFFF}),
        "the directory begins one byte late": ("archive.bounds", {"offset": len(zip_bytes(honest)) - 22 - 1}),
        "the count is larger than the directory": ("archive.corrupt", {"count": 60_000}),
        "the count leaves entries out": ("archive.corrupt", {"count": 2}),
        "a part of a split archive": ("archive.corrupt", {"disk": 3}),
        "a directory on another disk": ("archive.corrupt", {"directory_disk": 1}),
        "a comment that is not there": ("archive.truncated", {"comment_size": 900}),
        "a comment without its length": ("archive.truncated", {"comment": b"x" * 40, "comment_size": 0}),
    }
    for name, (code, lies) in ends.items():
        yield model(name, code, zip_bytes(honest, end=lies))
    wide = {
        "zip64: 2^62 entries": ("archive.corrupt", {"count": 2**62}),
        "zip64: a directory of 2^63 bytes": ("archive.bounds", {"size": 2**63}),
        "zip64: a directory whose end wraps around": ("archive.bounds", {"offset": 2**64 - 8, "size": 16}),
        "zip64: a record behind the file": ("archive.corrupt", {"record": 2**63}),
        "zip64: a record inside an entry": ("archive.corrupt", {"record": 5}),
        "zip64: a record on another disk": ("archive.corrupt", {"disk": 1}),
        "zip64: a record that is none": ("archive.corrupt", {"signature": b"PK\x06\x08"}),
    }
    full = {"count": FULL16, "size": FULL32, "offset": FULL32}
    for name, (code, lies) in wide.items():
        yield model(name, code, zip_bytes(honest, end=full, end64=lies))
    yield model(
        "zip64: the two end records disagree",
        "archive.corrupt",
        zip_bytes(honest, end={"count": 3}, end64={}),
        "contradict",
    )


def overlaps():
    yield model(
        "two entries of one place",
        "archive.overlap",
        zip_bytes(
            _with(Part("m/models/model.json", seeds.as_bytes(seeds.program()), listed={"offset": _offset_of(MODEL)}))
        ),
    )
    parts = seeds.parts()
    body = parts[0].body + local_bytes(parts[1])
    parts[0].listed = {"size": len(body), "packed_size": len(body)}
    parts[0].local = {"size": 0, "packed_size": 0}
    yield model("an entry that contains the next", "archive.overlap", zip_bytes(parts))
    # Fifield's bomb: one kernel of deflated zeros, which a thousand entries quote.
    kernel = deflated("a.npy", b"\0" * 1_000_000)
    whole = local_bytes(kernel)
    directory = directory_bytes(kernel, 0) * 1000
    bomb = whole + directory + end_bytes(1000, len(directory), len(whole))
    yield model("a thousand entries quote one kernel", "archive.overlap", bomb)
    # What unpacks to itself: an entry that reaches over the directory that lists it.
    parts = seeds.parts()
    size = len(zip_bytes(parts))
    parts[-1].listed = {"size": size, "packed_size": size}
    parts[-1].local = {"size": 0, "packed_size": 0}
    yield model("an entry that contains its own directory", "archive.bounds", zip_bytes(parts))


def _offset_of(index):
    return sum(len(local_bytes(part)) for part in seeds.parts()[:index])


def names():
    for name in (
        "../evil",
        "m/../../evil",
        "m/..",
        "..",
        "/etc/passwd",
        "//host/share",
        "C:/evil",
        "c:",
        "C:\\evil",
        "m\\..\\..\\evil",
        "\\\\host\\share",
        "m/evil\0.json",
        "\0",
        "",
        "/",
        "m/data/weights/../../../evil",
    ):
        yield model(f"an entry named {name!r}", "archive.name", zip_bytes(_with(Part(name, b"evil"))))
    yield model("two entries of one name", "archive.duplicate", zip_bytes(_with(Part("m/models/model.json", b"{}"))))
    yield model("a weight twice", "archive.duplicate", zip_bytes(_with(Part("m/data/weights/weight_0", b"1234"))))
    yield model("a name of no language", "pt2.layout", zip_bytes([Part(b"\xff\xfe\xfd/archive_format", b"\xff")]))
    yield model("a name of 65,535 bytes", "pt2.layout", zip_bytes([Part("a" * FULL16, b"x")]))


def compression():
    yield model("an encrypted entry", "archive.encrypted", zip_bytes(_changed(flags=0x0001)))
    yield model("a strongly encrypted entry", "archive.encrypted", zip_bytes(_changed(flags=0x0041)))
    yield model("masked headers", "archive.encrypted", zip_bytes(_changed(flags=0x2000)))
    for method, title in (
        (8, "deflate"),
        (9, "deflate64"),
        (12, "bzip2"),
        (14, "lzma"),
        (93, "zstd"),
        (99, "AES"),
        (65535, "none"),
    ):
        parts = _changed(method=method, packed=b"\x03\x00" if method == 8 else b"packed")
        yield model(f"a model compressed by {title}", "archive.compressed", zip_bytes(parts))
    body = seeds.floats(seeds.CHANNELS * 27)
    parts = [deflated(part.name, body) if part.name.endswith("weight_0") else part for part in seeds.parts()]
    yield model("compressed weights", "archive.compressed", zip_bytes(parts))
    bomb = deflated("m/models/model.json", b"[" * 5_000_000)
    yield model("a model that is a bomb", "archive.compressed", zip_bytes([*seeds.parts()[:2], bomb]))
    parts = _changed(method=8, packed=b"\x03\x00", listed={"size": 2**32 - 2}, local={"size": 0})
    yield model("more than deflate can hold", "archive.corrupt", zip_bytes(parts), "more than")


def checksums():
    for index, part in enumerate(seeds.parts()):
        if part.name.endswith(("weight_0", "weight_1")):
            continue  # a weight is mapped, not read
        crc = zlib.crc32(part.body) ^ 1
        yield model(
            f"a wrong checksum of {part.name}",
            "archive.corrupt",
            zip_bytes(_changed(index, listed={"crc": crc}, local={"crc": crc})),
            "checksum",
        )
    json = seeds.as_bytes(seeds.program())
    for at in (0, 100, len(json) // 2, len(json) - 1):
        flipped = bytearray(json)
        flipped[at] ^= 0x10
        crc = zlib.crc32(json)
        parts = _changed(body=bytes(flipped), listed={"crc": crc}, local={"crc": crc})
        yield model(f"a flipped bit in byte {at} of the model", "archive.corrupt", zip_bytes(parts), "checksum")


def cuts():
    """The file ends before, and in the middle of, each of its structures."""
    position = 0
    whole = pieces(seeds.parts(), end64={})
    content = b"".join(piece for _, piece in whole)
    for title, piece in whole:
        if position > 0:
            yield model(f"cut before the {title}", "archive.truncated", content[:position])
        if len(piece) > 1:
            code = "archive.truncated" if position + len(piece) // 2 >= 4 else "pt2.layout"
            yield model(f"cut inside the {title}", code, content[: position + len(piece) // 2])
        position += len(piece)
    yield model("cut before its last byte", "archive.truncated", content[:-1])
    yield model("cut behind three bytes", "pt2.layout", content[:3])
    yield model("its first byte is missing", "archive.corrupt", content[1:])
    yield model("a byte stands before it", "archive.corrupt", b"x" + content)


def crowds():
    """Many entries cost memory in proportion to the file, and no time to speak of."""
    many = [Part(f"{i:x}", b"") for i in range(20_000)]
    yield model("20,000 entries", "pt2.layout", zip_bytes(many))
    yield model("20,000 entries of one name", "archive.duplicate", zip_bytes([Part("a", b"")] * 20_000))
    nested = zip_bytes([Part("inner.zip", zip_bytes([Part("inner.zip", seeds.archive())]))])
    yield model("an archive in an archive in an archive", "pt2.layout", nested)
    yield model("an empty archive", "pt2.layout", zip_bytes([]))
    yield model("end records without end", "pt2.layout", end_bytes(0, 0, 0) * 5000)


def cases():
    for family in (lying_sizes, lying_end, overlaps, names, compression, checksums, cuts, crowds):
        yield from family()
