"""A flipped bit of what is stored is told, whatever archive it is in; archives without checksums are read."""

import io
import shutil
import zipfile

import numpy as np
import pytest
import torch

import support

SAMPLES = support.ROOT / "tests" / "data" / "pt2"
INPUT = ("--input", f"x={SAMPLES / 'input.npy'}")


def flip(path, entry, at=0.5):
    """Flips a bit of the entry; its name as it is in the archive."""
    with zipfile.ZipFile(path) as archive:
        found = next(info for info in archive.infolist() if info.filename.endswith(entry) and info.file_size)
    raw = bytearray(path.read_bytes())
    sizes = raw[found.header_offset + 26 : found.header_offset + 30]
    begin = found.header_offset + 30 + int.from_bytes(sizes[:2], "little") + int.from_bytes(sizes[2:], "little")
    raw[begin + int(at * found.compress_size)] ^= 0x40
    path.write_bytes(raw)
    return found.filename


def is_told(graftwork, path, entry, *arguments):
    report = graftwork.fails(*arguments).stderr
    assert "error[archive.corrupt]" in report
    assert f'entry "{entry}"' in report
    assert "damaged" in report
    assert str(path) in report


@pytest.mark.parametrize("entry", ["weight_0", "weight_2", "models/model.json", "model_weights_config.json"])
def test_a_flipped_bit_of_a_network_is_told(graftwork, tmp_path, entry):
    path = tmp_path / "m.pt2"
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 3)).eval()
    torch.export.save(torch.export.export(model, (torch.randn(1, 3, 8, 8),)), path)
    graftwork("inspect", path)
    is_told(graftwork, path, flip(path, entry), "inspect", path)


@pytest.mark.parametrize(
    ("version", "entry"),
    [("2.6", "serialized_state_dict.pt"), ("2.7", "serialized_state_dict.pt"), ("2.8", "data/weights/model.pt")],
)
def test_a_flipped_bit_of_an_older_network_is_told(graftwork, tmp_path, version, entry):
    path = tmp_path / "m.pt2"
    shutil.copy(SAMPLES / f"torch_{version}.pt2", path)
    is_told(graftwork, path, flip(path, entry), "inspect", path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("entry", ["data/0", "data.pkl", ".py"])
def test_a_flipped_bit_of_torchscript_is_told(graftwork, tmp_path, entry):
    path = tmp_path / "m.pt"
    torch.jit.save(torch.jit.script(torch.nn.Linear(3, 4)), path)
    options = ("--allow-code", "--input-shape", "1x3")
    graftwork("inspect", path, *options)
    is_told(graftwork, path, flip(path, entry), "inspect", path, *options)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_flipped_bit_of_samples_is_told(graftwork, tmp_path, save):
    path = tmp_path / "x.npz"
    save(path, x=np.load(SAMPLES / "input.npy"))
    entry = flip(path, "x.npy", at=0.9)
    is_told(graftwork, path, entry, "run", SAMPLES / "torch_2.8.pt2", "--input", path, "-o", tmp_path / "y.npz")
    assert not (tmp_path / "y.npz").exists()


def test_weights_that_torch_saved_without_checksums_are_read(graftwork, tmp_path):
    """torch.serialization.set_crc32_options(False), under which other programs call the file damaged."""
    entry = "data/weights/model.pt"
    path = tmp_path / "m.pt2"
    with zipfile.ZipFile(SAMPLES / "torch_2.8.pt2") as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            body = old.read(info)
            if info.filename.endswith(entry):
                saved = io.BytesIO()
                torch.serialization.set_crc32_options(False)
                try:
                    torch.save(torch.load(io.BytesIO(body)), saved)
                finally:
                    torch.serialization.set_crc32_options(True)
                body = saved.getvalue()
                assert zipfile.ZipFile(saved).testzip() is not None
            new.writestr(info.filename, body)
    graftwork("run", path, *INPUT, "-o", tmp_path / "y.npz")
    got = support.only(support.load_npz(tmp_path / "y.npz"))
    np.testing.assert_allclose(got, np.load(SAMPLES / "output.npy"), rtol=1e-5, atol=1e-6)
    # The archive around them has checksums.
    is_told(graftwork, path, flip(path, entry), "inspect", path)
