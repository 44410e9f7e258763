"""Pictures and arrays as data to calibrate with: of any size that their headers can claim, damaged in a few bytes.
Each is taken or refused by one message, and no command takes more than 300 MB above its start."""

import io
import struct
import zlib

from hostile import pictures, seeds

COUNT = 500
SHARD = 60
MOST_KIB = 300 * 1000

SIDES = (1, 7, 8, 255, 4096, 20_000, 65_535, 131_072, 2**24, 2**28, 2**31 - 1)
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
#: Bytes of rows that a case packs at most: more would test the machine's zlib.
MOST_ROWS = 64_000_000


def png(random):
    color = random.choice(tuple(DEPTHS))
    depth = random.choice(DEPTHS[color])
    width, height = random.choice(SIDES), random.choice(SIDES)
    row = (width * CHANNELS[color] * depth + 7) // 8 + 1
    packer, packed = zlib.compressobj(9), io.BytesIO()
    left = min(row * height, MOST_ROWS)
    while left > 0:
        size = min(left, 1 << 20)
        packed.write(packer.compress(bytes(size)))
        left -= size
    packed.write(packer.flush())
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, random.choice((0, 0, 1)))
    palette = pictures.chunk(b"PLTE", bytes(range(48))) if color == 3 else b""
    chunks = (
        pictures.chunk(b"IHDR", head),
        palette,
        pictures.chunk(b"IDAT", packed.getvalue()),
        pictures.chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def jpeg(random):
    width, height = (random.choice(SIDES[:7]) for _ in range(2))
    blocks = min((width + 7) // 8 * ((height + 7) // 8), 1 << 22)
    marker = random.choice((0xC0, 0xC1, 0xC2))
    return pictures.jpeg(
        width, height, random.choice((1, 3, 4)), marker=marker, scan=bytes(blocks // 4 + 1) + b"\xff\xd9"
    )


def array(random):
    shape = tuple(random.choice((0, 1, 2, 3, 8, 2**31, 2**62)) for _ in range(random.choice((0, 1, 3, 4, 5, 40))))
    kind = random.choice(("<f4", "<f8", "|u1", "<i8", ">f4", "|O", "<f2"))
    order = random.random() < 0.3
    header = f"{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}"
    return seeds.npy_with_header(header, bytes(random.choice((0, 64, 1536, 100_000))))


def damaged(content, random):
    content = bytearray(content)
    for _ in range(random.choice((0, 0, 1, 2))):
        at = random.randrange(min(len(content), 4000))
        content[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, content[at] ^ (1 << random.randrange(8))))
    return bytes(content)


KINDS = {"x.png": png, "x.jpg": jpeg, "x.npy": array}


def attack(run):
    names = sorted(KINDS)

    def meet(command, folder, case):
        random = run.random(case)
        name = names[case % len(names)]
        (folder / "model.pt2").write_bytes(seeds.archive())
        (folder / name).write_bytes(damaged(KINDS[name](random), random))
        size = (
            ()
            if name == "x.npy"
            else ("--image-size", "8", "--resize", random.choice(("crop", "stretch", "letterbox")))
        )
        answer = command(
            "quantize", "model.pt2", "--calibrate", name, *size, "-o", "out.onnx", "--no-losses", "--no-isolation"
        )
        run.judge(case, answer, folder)
        if answer.kib - run.start_kib > MOST_KIB:
            run.find(case, "memory", f"{answer.kib // 1024} MiB: {answer.report.strip()[:300]}", folder)

    run.in_servers(meet, OMP_NUM_THREADS="1")
