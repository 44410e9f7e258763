"""Pictures as data: what the command makes of JPEG and PNG files is what Pillow makes of them, byte for byte."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import nn

import support
import zoo
from export import save_pt2

RNG = np.random.default_rng(7)


class Bytes(nn.Module):
    """Gives back the bytes that it got."""

    def forward(self, x):
        return x + 0


class Pass(nn.Module):
    """Gives back the numbers that it got."""

    def forward(self, x):
        return x * 1.0


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """networks(CHANNELS, dtype): an identity over pictures of any number and size."""
    folder, made = tmp_path_factory.mktemp("networks"), {}

    def get(channels, dtype=torch.uint8):
        if (channels, dtype) not in made:
            path = folder / f"{channels}_{dtype}.pt2".replace("torch.", "")
            example = torch.zeros(2, channels, 6, 7, dtype=dtype)
            dims = {0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
            model = Bytes() if dtype == torch.uint8 else Pass()
            torch.export.save(torch.export.export(model, (example,), dynamic_shapes=(dims,)), path)
            made[channels, dtype] = path
        return made[channels, dtype]

    return get


def seen(graftwork, network, path, *options):
    """What the network gets of a picture or folder: [N, channels, height, width]."""
    output = path.parent / "seen.npz"
    graftwork("run", network, "--input", f"x={path}", *options, "--quiet", "-o", output)
    return support.only(support.load_npz(output))


def as_array(image):
    array = np.asarray(image)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def photo(width, height, channels=3):
    """A smooth picture with sharp edges and some noise, as cameras make them."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 90 * np.sin(x / (5 + 3 * c)) * np.cos(y / (7 + 2 * c)) for c in range(channels)]
    array = np.stack(waves, -1) + RNG.normal(0, 6, (height, width, channels))
    array[height // 3 : height // 2, width // 4 : width // 2] = RNG.integers(0, 256, channels)
    array = array.clip(0, 255).astype(np.uint8)
    return array[..., 0] if channels == 1 else array


def jpeg(mode="RGB", **how):
    def save(path):
        channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
        Image.fromarray(photo(53, 38, channels), mode=mode).save(path, "JPEG", **how)

    return "p.jpg", save


def png(make, **how):
    return "p.png", lambda path: make().save(path, "PNG", **how)


def palette():
    return Image.fromarray(photo(53, 38)).quantize(37)


def alpha(mode):
    return lambda: Image.fromarray(photo(53, 38, {"LA": 2, "RGBA": 4}[mode]), mode=mode)


def write_png(path, header, rows):
    """A PNG as its specification has it, of the forms that Pillow reads but cannot write."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def bits(depth):
    def save(path):
        rows = b""
        for row in RNG.integers(0, 2**depth, (9, 21)):
            text = "".join(f"{value:0{depth}b}" for value in row)
            text += "0" * (-len(text) % 8)
            rows += b"\0" + int(text, 2).to_bytes(len(text) // 8, "big")
        write_png(path, (21, 9, depth, 0, 0, 0, 0), rows)

    return "p.png", save


def interlaced(path):
    """Adam7: seven small pictures, one behind the other."""
    image = photo(13, 11)
    rows = b""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    for x0, y0, dx, dy in passes:
        for row in image[y0::dy, x0::dx]:
            rows += b"\0" + row.tobytes() if len(row) else b""
    write_png(path, (13, 11, 8, 2, 0, 0, 1), rows)


FILES = {
    "JPEG 4:4:4": jpeg(subsampling=0, quality=90),
    "JPEG 4:2:2": jpeg(subsampling=1, quality=80),
    "JPEG 4:2:0": jpeg(subsampling=2, quality=75),
    "JPEG progressive": jpeg(progressive=True),
    "JPEG with optimised tables": jpeg(optimize=True, quality=30),
    "JPEG grey": jpeg("L"),
    "JPEG CMYK": jpeg("CMYK"),
    "JPEG with restart markers": jpeg(restart_marker_blocks=2),
    "PNG RGB": png(lambda: Image.fromarray(photo(53, 38))),
    "PNG grey": png(lambda: Image.fromarray(photo(53, 38, 1))),
    "PNG palette": png(palette),
    "PNG palette with a transparent colour": png(palette, transparency=3),
    "PNG RGB with a transparent colour": png(lambda: Image.fromarray(photo(53, 38)), transparency=(1, 2, 3)),
    "PNG grey with a transparent value": png(lambda: Image.fromarray(photo(53, 38, 1)), transparency=7),
    "PNG RGBA": png(alpha("RGBA")),
    "PNG grey with alpha": png(alpha("LA")),
    "PNG black and white": png(lambda: Image.fromarray(photo(53, 38, 1)).convert("1")),
    "PNG 2 bits": bits(2),
    "PNG 4 bits": bits(4),
    "PNG interlaced": ("p.png", interlaced),
}


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("case", FILES)
def test_files_are_read_as_pillow_reads_them(graftwork, networks, tmp_path, case, channels):
    name, save = FILES[case]
    save(tmp_path / name)
    with Image.open(tmp_path / name) as image:
        wanted = as_array(image.convert("RGB" if channels == 3 else "L"))
    size = f"{wanted.shape[1]}x{wanted.shape[2]}"
    np.testing.assert_array_equal(seen(graftwork, networks(channels), tmp_path / name, "--image-size", size)[0], wanted)


def test_sixteen_bits_give_their_high_byte(graftwork, networks, tmp_path):
    """Of grey too, where Pillow's convert saturates instead."""
    values = RNG.integers(0, 65536, (5, 9)).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "p.png")
    for channels in (1, 3):
        got = seen(graftwork, networks(channels), tmp_path / "p.png", "--image-size", "5x9")[0]
        np.testing.assert_array_equal(got, np.broadcast_to(values >> 8, (channels, 5, 9)))


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_the_picture(graftwork, networks, tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"p.{suffix}"
    Image.fromarray(photo(29, 17)).save(path, exif=exif)
    with Image.open(path) as image:
        wanted = as_array(ImageOps.exif_transpose(image).convert("RGB"))
    assert wanted.shape[1:] == ((17, 29) if orientation < 5 else (29, 17))
    size = f"{wanted.shape[1]}x{wanted.shape[2]}"
    np.testing.assert_array_equal(seen(graftwork, networks(3), path, "--image-size", size)[0], wanted)


SIZES = [(1, 1), (7, 5), (53, 38), (54, 37), (64, 64), (19, 200), (211, 3), (106, 76), (26, 19), (48, 28), (48, 27)]


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_stretching_is_pillows(graftwork, networks, tmp_path, size, channels):
    image = Image.fromarray(photo(53, 38, channels))
    image.save(tmp_path / "p.png")
    wanted = as_array(image.resize(size, Image.Resampling.BILINEAR))
    options = ("--image-size", f"{size[1]}x{size[0]}", "--resize", "stretch")
    np.testing.assert_array_equal(seen(graftwork, networks(channels), tmp_path / "p.png", *options)[0], wanted)


def center_crop(image, shorter, size):
    """torchvision's Resize(shorter) and CenterCrop(size)."""
    width, height = image.size
    long = int(shorter * max(width, height) / min(width, height))
    image = image.resize((shorter, long) if width < height else (long, shorter), Image.Resampling.BILINEAR)
    left, top = round((image.width - size) / 2.0), round((image.height - size) / 2.0)
    return image.crop((left, top, left + size, top + size))


@pytest.mark.parametrize("shape", [(53, 38), (38, 53), (40, 40), (200, 31), (31, 201), (333, 500)])
@pytest.mark.parametrize(("options", "shorter", "size"), [((), 32, 28), (("--resize", "37"), 37, 28)])
def test_cropping_is_torchvisions(graftwork, networks, tmp_path, shape, options, shorter, size):
    image = Image.fromarray(photo(*shape))
    image.save(tmp_path / "p.png")
    wanted = as_array(center_crop(image, shorter, size))
    got = seen(graftwork, networks(3), tmp_path / "p.png", "--image-size", size, *options)[0]
    np.testing.assert_array_equal(got, wanted)


def fitted(image, size, mode, value):
    """The picture scaled to fit into `size`, pasted into the middle or the upper left corner."""
    factor = min(size[0] / image.width, size[1] / image.height)
    scaled = [max(int(extent * factor + 0.5), 1) for extent in image.size]
    filled = Image.new(image.mode, size, (value,) * len(image.getbands()))
    left, top = [(outer - inner) // 2 if mode == "letterbox" else 0 for outer, inner in zip(size, scaled, strict=True)]
    filled.paste(image.resize(scaled, Image.Resampling.BILINEAR), (left, top))
    return filled


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("size", [(32, 32), (64, 21), (9, 50), (53, 38), (20, 38), (120, 90)], ids=str)
@pytest.mark.parametrize(("mode", "value"), [("letterbox", None), ("letterbox", 7), ("pad", None), ("pad", 255)])
def test_fitting_fills_what_is_left(graftwork, networks, tmp_path, size, channels, mode, value):
    image = Image.fromarray(photo(53, 38, channels))
    image.save(tmp_path / "p.png")
    wanted = as_array(fitted(image, size, mode, {"letterbox": 114, "pad": 0}[mode] if value is None else value))
    options = ["--image-size", f"{size[1]}x{size[0]}", "--resize", mode]
    options += [] if value is None else ["--pad-value", value]
    np.testing.assert_array_equal(seen(graftwork, networks(channels), tmp_path / "p.png", *options)[0], wanted)


@pytest.mark.parametrize("mode", ["letterbox", "pad"])
def test_a_line_of_pixels_fits(graftwork, networks, tmp_path, mode):
    image = Image.fromarray(photo(300, 1))
    image.save(tmp_path / "p.png")
    options = ("--image-size", 16, "--resize", mode, "--pad-value", 0)
    wanted = as_array(fitted(image, (16, 16), mode, 0))
    np.testing.assert_array_equal(seen(graftwork, networks(3), tmp_path / "p.png", *options)[0], wanted)


def test_channels_come_the_other_way_round(graftwork, networks, tmp_path):
    image = photo(16, 16)
    Image.fromarray(image).save(tmp_path / "p.png")
    bytes_of = seen(graftwork, networks(3), tmp_path / "p.png", "--image-size", 16, "--channels", "bgr")[0]
    np.testing.assert_array_equal(bytes_of, as_array(image)[::-1])
    plain = seen(graftwork, networks(3, torch.float32), tmp_path / "p.png", "--image-size", 16)[0]
    turned = seen(graftwork, networks(3, torch.float32), tmp_path / "p.png", "--image-size", 16, "--channels", "bgr")[0]
    np.testing.assert_array_equal(turned, plain[::-1])  # each colour keeps its mean and deviation
    options = ("--image-size", 16, "--channels", "bgr", "--mean", "0.1,0.2,0.3", "--std", "1")
    given = seen(graftwork, networks(3, torch.float32), tmp_path / "p.png", *options)[0]
    wanted = (
        torch.from_numpy(as_array(image)[::-1].copy()).float().div(255).sub(torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1))
    )
    np.testing.assert_array_equal(given, wanted.numpy())


@pytest.mark.parametrize("given", [False, True])
def test_values_are_normalised_as_torchvision_does(graftwork, networks, tmp_path, given):
    image = photo(16, 16)
    Image.fromarray(image).save(tmp_path / "p.png")
    mean, std = ([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]) if given else ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    options = ("--mean", "0.1,0.2,0.3", "--std", "0.4,0.5,0.6") if given else ()
    wanted = torch.from_numpy(as_array(image).copy()).float().div(255)
    wanted = wanted.sub(torch.tensor(mean).view(3, 1, 1)).div(torch.tensor(std).view(3, 1, 1)).numpy()
    got = seen(graftwork, networks(3, torch.float32), tmp_path / "p.png", "--image-size", 16, *options)[0]
    np.testing.assert_array_equal(got, wanted)


def test_large_photos_agree_with_pillow(graftwork, networks, tmp_path):
    """The whole way, as an ImageNet photo goes it."""
    Image.fromarray(photo(500, 375)).save(tmp_path / "p.jpg", quality=85)
    with Image.open(tmp_path / "p.jpg") as image:
        wanted = as_array(center_crop(image.convert("RGB"), 256, 224))
    np.testing.assert_array_equal(seen(graftwork, networks(3), tmp_path / "p.jpg", "--image-size", 224)[0], wanted)


# Calibration.


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """resnet18 of the zoo at a fixed size, and 12 photos in two folders with other files between them."""
    folder = tmp_path_factory.mktemp("classifier")
    save_pt2(zoo.build("resnet18"), folder / "net.pt2", zoo.samples("resnet18", 2), dynamic_batch=True)
    for i in range(12):
        path = folder / "photos" / ("cats" if i < 6 else "dogs") / f"{i:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(90 + 5 * i, 80)).save(path)
    (folder / "photos" / "labels.csv").write_text("00.jpg,cat\n")
    (folder / "photos" / ".thumbs").write_text("")
    return folder


def as_pillow_does(paths, size):
    shorter = (size * 256 + 112) // 224
    samples = []
    for path in paths:
        with Image.open(path) as image:
            samples.append(as_array(center_crop(image.convert("RGB"), shorter, size)))
    array = torch.from_numpy(np.stack(samples)).float().div(255)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return array.sub(mean.view(3, 1, 1)).div(std.view(3, 1, 1)).numpy()


def quantize(graftwork, classifier, data, output, *options, threads=None):
    env = {"OMP_NUM_THREADS": str(threads)} if threads else None
    done = graftwork("quantize", classifier / "net.pt2", "--calibrate", data, *options, "-o", output, env=env)
    return output.read_bytes(), done.stdout


def test_a_folder_of_photos_calibrates_as_their_pixels_do(graftwork, classifier, tmp_path):
    (size,) = {*zoo.ZOO["resnet18"].shape[1:]}
    paths = sorted((classifier / "photos").rglob("*.jpg"))
    np.save(tmp_path / "photos.npy", as_pillow_does(paths, size))
    wanted, _ = quantize(graftwork, classifier, tmp_path / "photos.npy", tmp_path / "npy.onnx")
    for threads in (1, 2, 5):
        got, text = quantize(graftwork, classifier, classifier / "photos", tmp_path / "a.onnx", threads=threads)
        assert got == wanted, f"{threads} threads"
    assert "12 samples" in text
    assert f"{size}x{size} pixels, centre crop; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225" in text
    assert "2 other files skipped" in text


def test_limit_spreads_over_the_folder(graftwork, classifier, tmp_path):
    (size,) = {*zoo.ZOO["resnet18"].shape[1:]}
    paths = sorted((classifier / "photos").rglob("*.jpg"))
    np.save(tmp_path / "four.npy", as_pillow_does(paths[::3], size))
    wanted, _ = quantize(graftwork, classifier, tmp_path / "four.npy", tmp_path / "npy.onnx")
    got, text = quantize(graftwork, classifier, classifier / "photos", tmp_path / "a.onnx", "--limit", 4)
    assert got == wanted
    assert "4 samples" in text


def test_run_takes_a_folder_as_a_batch(graftwork, classifier, tmp_path):
    (size,) = {*zoo.ZOO["resnet18"].shape[1:]}
    paths = sorted((classifier / "photos").rglob("*.jpg"))
    graftwork("run", classifier / "net.pt2", "--input", classifier / "photos", "-o", tmp_path / "y.npz")
    np.save(tmp_path / "x.npy", as_pillow_does(paths, size))
    graftwork("run", classifier / "net.pt2", "--input", tmp_path / "x.npy", "-o", tmp_path / "z.npz")
    got, wanted = (support.only(support.load_npz(tmp_path / f)) for f in ("y.npz", "z.npz"))
    assert got.shape[0] == 12
    np.testing.assert_array_equal(got, wanted)


# What does not fit.


def truncated(path):
    Image.fromarray(photo(60, 60)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def as_jpeg(array):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "JPEG")
    return stream.getvalue()


BAD_FILES = {
    "cut short": ("bad.jpg", truncated),
    "a PNG cut short": ("bad.png", truncated),
    "empty": ("bad.jpg", lambda path: path.write_bytes(b"")),
    "text": ("bad.png", lambda path: path.write_text("no picture")),
    "another format": ("bad.jpg", lambda path: Image.fromarray(photo(8, 8)).save(path, "GIF")),
    "zeros in the middle": ("bad.jpg", lambda path: path.write_bytes(as_jpeg(photo(64, 64))[:900] + b"\0" * 400)),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_damaged_picture_is_named(graftwork, classifier, tmp_path, case):
    name, make = BAD_FILES[case]
    (tmp_path / "photos").mkdir()
    for i in range(6):
        Image.fromarray(photo(60, 60)).save(tmp_path / "photos" / f"{i}.jpg")
    make(tmp_path / "photos" / name)
    done = graftwork.fails(
        *("quantize", classifier / "net.pt2", "--calibrate", "photos", "-o", "out.onnx"), cwd=tmp_path, codes=(1,)
    )
    assert f"photos/{name}" in done.stderr
    assert not (tmp_path / "out.onnx").exists()


QUANTIZE = ("quantize", "net.pt2", "--calibrate")
BAD_OPTIONS = {
    "a size of nothing": ((*QUANTIZE, "photos", "--image-size", "0"), "--image-size"),
    "a size of three": ((*QUANTIZE, "photos", "--image-size", "1x2x3"), "--image-size"),
    "a size that the network has not": ((*QUANTIZE, "photos", "--image-size", "16"), "saying none (--image-size HxW)"),
    "an unknown resize": ((*QUANTIZE, "photos", "--resize", "fill"), "--resize"),
    "a resize below the size": ((*QUANTIZE, "photos", "--resize", "5"), "before the crop (--resize)"),
    "two means": ((*QUANTIZE, "photos", "--mean", "0.5,0.5"), "(--mean, --std)"),
    "no deviation": ((*QUANTIZE, "photos", "--std", "0"), "--std"),
    "no number": ((*QUANTIZE, "photos", "--mean", "a,b,c"), "--mean"),
    "not a number": ((*QUANTIZE, "photos", "--mean", "nan"), "--mean"),
    "a pad value without padding": ((*QUANTIZE, "photos", "--pad-value", "3"), "letterbox and pad"),
    "a pad value beyond a byte": ((*QUANTIZE, "photos", "--resize", "pad", "--pad-value", "256"), "0 to 255"),
    "an unknown order of channels": ((*QUANTIZE, "photos", "--channels", "gbr"), "--channels"),
    "an order of channels, arrays as data": ((*QUANTIZE, "x.npy", "--channels", "bgr"), "pictures"),
    "options for pictures, arrays as data": ((*QUANTIZE, "x.npy", "--mean", "0.5"), "pictures"),
    "pictures and arrays together": ((*QUANTIZE, "mixed"), "both"),
    "a folder of other files": ((*QUANTIZE, "texts"), "texts"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_what_does_not_fit_is_one_error(graftwork, classifier, tmp_path, case):
    arguments, words = BAD_OPTIONS[case]
    (tmp_path / "net.pt2").symlink_to(classifier / "net.pt2")
    (tmp_path / "photos").symlink_to(classifier / "photos")
    np.save(tmp_path / "x.npy", zoo.samples("resnet18", 2).numpy())
    for folder, files in {"mixed": ("x.npy", "p.png"), "texts": ("t.txt",)}.items():
        (tmp_path / folder).mkdir()
        for file in files:
            (tmp_path / folder / file).write_text("")
    done = graftwork.fails(*arguments, "-o", "out.onnx", cwd=tmp_path)
    assert words in done.stderr, done.stderr


def test_grey_has_no_order(graftwork, networks, tmp_path):
    Image.fromarray(photo(9, 9, 1)).save(tmp_path / "p.png")
    options = ("--image-size", 9, "--channels", "bgr", "-o", tmp_path / "y.npz")
    done = graftwork.fails("run", networks(1), "--input", tmp_path / "p.png", *options)
    assert "grey" in done.stderr


def test_what_was_made_of_pictures_is_said(graftwork, classifier, tmp_path):
    for mode, words in {"letterbox": "in the middle of 114; BGR", "pad": "in the corner of 0; BGR"}.items():
        options = ("--resize", mode, "--channels", "bgr")
        _, text = quantize(graftwork, classifier, classifier / "photos", tmp_path / "a.onnx", *options)
        assert words in text


def test_a_network_of_any_size_asks_for_one(graftwork, networks, tmp_path):
    Image.fromarray(photo(9, 9)).save(tmp_path / "p.png")
    done = graftwork.fails("run", networks(3), "--input", tmp_path / "p.png", "-o", tmp_path / "y.npz")
    assert "--image-size" in done.stderr
    assert "input x" in done.stderr
