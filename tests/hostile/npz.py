"""Broken .npz files, and bombs."""

import math
import zlib

from hostile import seeds
from hostile.case import data
from hostile.seeds import npy
from hostile.zips import Part, deflated, directory_bytes, end_bytes, local_bytes, pieces, zip_bytes

HONEST = npy([2, 3, 8, 8])


def _npz(name, code, content, words=""):
    return data(name, code, content, words, file="bad.npz")


def entries():
    yield _npz("no array", "data.empty", zip_bytes([]))
    yield _npz("an entry that is no array by name", "data.npz", zip_bytes([Part("x.pkl", b"\x80\x02.")]))
    yield _npz("a .pt2 file", "data.npz", seeds.archive())
    yield _npz("a pickle named as an array", "data.npy", zip_bytes([Part("x.npy", b"\x80\x02cos\nsystem\n.")]))
    yield _npz(
        "an archive named as an array", "data.npy", zip_bytes([Part("x.npy", zip_bytes([Part("x.npy", HONEST)]))])
    )
    yield _npz("an archive in an archive", "data.npz", zip_bytes([Part("x.npz", zip_bytes([Part("x.npy", HONEST)]))]))
    yield _npz("an empty entry", "data.npy", zip_bytes([Part("x.npy", b"")]))
    yield _npz("an entry of objects", "data.dtype", zip_bytes([Part("x.npy", npy([1], descr="|O", body=b"\x80\x02."))]))
    yield _npz("two arrays of one name", "archive.duplicate", zip_bytes([Part("x.npy", HONEST), Part("x.npy", HONEST)]))
    yield _npz(
        "arrays of unequal length", "data.lengths", zip_bytes([Part("x.npy", HONEST), Part("y.npy", npy([3, 3, 8, 8]))])
    )
    yield _npz("an array of another name", "data.names", zip_bytes([Part("y.npy", HONEST)]))
    yield _npz("an array that leads out", "archive.name", zip_bytes([Part("../x.npy", HONEST)]))
    yield _npz("an array without a name", "data.npz", zip_bytes([Part(".npy", HONEST)]))
    yield _npz("an array cut short", "data.npy", zip_bytes([Part("x.npy", HONEST[:-1])]))
    yield _npz("a bare array", "archive.format", HONEST)
    yield _npz("text", "archive.format", b"not an archive, though its name says so")


def streams():
    stream = deflated("x.npy", HONEST).stream()
    for title, packed in {
        "nothing": b"",
        "one byte": stream[:1],
        "half of itself": stream[: len(stream) // 2],
        "all but its last byte": stream[:-1],
        "bytes of chance": bytes((i * 167 + 13) % 256 for i in range(400)),
        "a block of an unknown kind": b"\x07" + stream,
        "a stored block with a wrong length": b"\x01\x10\x00\x10\x00" + b"x" * 16,
        "a reference to before its beginning": b"\x03\x02\x00",
        "no end": b"\x00\x00\x00\xff\xff" * 50,
    }.items():
        entry = deflated("x.npy", HONEST, packed=packed)
        yield _npz(f"a stream that is {title}", "archive.corrupt", zip_bytes([entry]))
    crc = zlib.crc32(HONEST) ^ 0x8000
    lying = deflated("x.npy", HONEST, listed={"crc": crc}, local={"crc": crc})
    yield _npz("a stream with another checksum", "archive.corrupt", zip_bytes([lying]))
    longer = {"size": len(HONEST) - 4}
    yield _npz(
        "a stream that gives more than it says",
        "archive.corrupt",
        zip_bytes([deflated("x.npy", HONEST, listed=longer, local=longer)]),
    )
    for method, title in (
        (1, "shrink"),
        (6, "implode"),
        (9, "deflate64"),
        (12, "bzip2"),
        (14, "lzma"),
        (93, "zstd"),
        (97, "wavpack"),
    ):
        yield _npz(f"a stream of {title}", "archive.method", zip_bytes([Part("x.npy", HONEST, method=method)]))
    yield _npz("an encrypted array", "archive.encrypted", zip_bytes([Part("x.npy", HONEST, flags=1)]))


def bomb(claimed, name="x.npy", megabytes=20, shape=(3, 8, 8), descr="<f4", filler=0):
    """An array of zeros, whole samples of `shape`, whose header and directory say `claimed` bytes, in a stream of
    `megabytes` of zeros; `filler` bytes behind it, which it takes to hold what is claimed."""
    sample = 4 * math.prod(shape)
    header = npy((claimed // sample, *shape), descr, body=b"")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = b"\0" * 1_000_000
    stream = (
        packer.compress(header)
        + b"".join(packer.compress(block) for _ in range(megabytes))
        + packer.flush()
        + bytes(filler)
    )
    size = len(header) + claimed // sample * sample
    lies = {"size": size, "crc": 0, "packed_size": len(stream)}
    return Part(name, b"", 8, packed=stream, listed=lies, local={"size": 0, "crc": 0}, wide=size >= 2**32 - 1)


def bombs():
    yield _npz("20 MB that say they are 25 MB", "archive.corrupt", zip_bytes([bomb(25_000_000)]))
    yield _npz("20 MB that say they are 5 GB", "archive.corrupt", zip_bytes([bomb(5_000_000_000)]), "more than")
    yield _npz("20 MB that say they are 10^15 bytes", "archive.corrupt", zip_bytes([bomb(10**15)]), "more than")
    yield _npz("6 GB of zeros", "archive.too_large", zip_bytes([bomb(6_000_000_000, filler=8_000_000)]))
    size = npy("(1000000000000, 1)", body=b"")
    stored = Part(
        "x.npy", size, listed={"size": 2**42, "packed_size": 2**42}, local={"size": 0, "packed_size": 0}, wide=True
    )
    yield _npz("a stored terabyte", "archive.bounds", zip_bytes([stored]))
    many = [deflated(f"{i:x}.npy", HONEST) for i in range(3000)]
    yield _npz("3,000 compressed arrays", "data.names", zip_bytes(many))
    spaces = seeds.npy_with_header(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 8, 8), }" + " " * 15_000, seeds.floats(384)
    )
    yield _npz(
        "2,000 arrays of long headers", "data.names", zip_bytes([deflated(f"{i:x}.npy", spaces) for i in range(2000)])
    )
    kernel = deflated("x.npy", b"\0" * 10_000_000)
    whole = local_bytes(kernel)
    directory = directory_bytes(kernel, 0) * 100
    yield _npz(
        "one kernel that 100 arrays quote",
        "archive.overlap",
        whole + directory + end_bytes(100, len(directory), len(whole)),
    )


def cuts():
    whole = pieces([Part("x.npy", HONEST), deflated("y.npy", HONEST)])
    content = b"".join(piece for _, piece in whole)
    position = 0
    for title, piece in whole:
        if position > 0:
            yield _npz(f"cut before the {title}", "archive.truncated", content[:position])
        yield _npz(f"cut inside the {title}", "archive.truncated", content[: position + len(piece) // 2])
        position += len(piece)


def folders():
    """Folders of files that do not fit together."""

    def folder(files):
        def make(path):
            path.mkdir()
            for name, content in files.items():
                (path / name).write_bytes(content)

        return make

    def case(name, code, files):
        return data(name, code, folder(files), file="data")

    yield case("an empty folder", "data.empty", {})
    yield case("a folder of other files", "data.empty", {"a.txt": b"1"})
    yield case("a folder whose second file is broken", "data.npy", {"a.npy": HONEST, "b.npy": HONEST[:-1]})
    yield case("a folder whose second file is empty", "file.empty", {"a.npy": HONEST, "b.npy": b""})
    yield case(
        "a folder of two types",
        "data.dtype",
        {"a.npy": HONEST, "b.npy": npy([2, 3, 8, 8], descr="<f8", body=b"\0" * 3072)},
    )
    yield case("a folder of two shapes", "data.shape", {"a.npy": HONEST, "b.npy": npy([2, 3, 8, 4])})
    yield case(
        "a folder of arrays and archives", "data.names", {"a.npy": HONEST, "b.npz": zip_bytes([Part("x.npy", HONEST)])}
    )


def cases():
    for family in (entries, streams, bombs, cuts, folders):
        yield from family()
