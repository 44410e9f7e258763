"""A trained face detector, MTCNN, before and after quantization, on a photo.

    python detect.py [FOLDER] [PHOTO...]     writes FOLDER/faces.png and an ONNX file for each of the three networks

Needs graftwork and the packages facenet-pytorch (weights), scikit-image (its photo of Eileen Collins) and pillow. Boxes
of the float networks are green, of the quantized ones red.
"""

import importlib.util
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from graftwork import transform
from graftwork.onnx import export_onnx
from graftwork.quantize import quantize
from PIL import Image, ImageDraw
from torch import nn

SMALLEST_FACE = 40  # pixels
THRESHOLDS = [0.6, 0.7, 0.7]
FACTOR = 0.709  # from one image of the pyramid to the next
TILE = 48


def overlap(box: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """Intersection over union of one box with many, as [x1, y1, x2, y2]."""
    low, high = torch.maximum(box[:2], boxes[:, :2]), torch.minimum(box[2:4], boxes[:, 2:4])
    common = (high - low).clamp_min(0).prod(1)
    return common / ((box[2:4] - box[:2]).prod() + (boxes[:, 2:4] - boxes[:, :2]).prod(1) - common)


def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, groups: torch.Tensor, limit: float) -> torch.Tensor:
    """Of boxes that lie on each other in one group the best, best first."""
    kept: list[torch.Tensor] = []
    left = scores.argsort(descending=True)
    while len(left) > 0:
        best, left = left[0], left[1:]
        kept.append(best)
        same = groups[left] == groups[best]
        left = left[~(same & (overlap(boxes[best], boxes[left]) > limit))]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.long)


def mtcnn() -> ModuleType:
    """facenet-pytorch's module, which needs no more of torchvision than the suppression above."""
    for name in ("requests", "torchvision", "torchvision.transforms", "torchvision.ops", "torchvision.ops.boxes"):
        module = sys.modules.setdefault(name, ModuleType(name))
        module.__path__ = []  # a package
    sys.modules["torchvision.transforms"].functional = None
    sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]
    sys.modules["requests"].adapters = ModuleType("requests.adapters")
    sys.modules["requests.adapters"] = sys.modules["requests"].adapters
    sys.modules["requests.adapters"].HTTPAdapter = None
    sys.modules["torchvision.ops.boxes"].batched_nms = batched_nms
    from facenet_pytorch.models import mtcnn as module

    return module


class Detector:
    """The three networks, each of which sees what the one before has left."""

    def __init__(self) -> None:
        self.module = mtcnn()
        self.networks = {name: getattr(self.module, name)().eval() for name in ("PNet", "RNet", "ONet")}

    @torch.no_grad()
    def boxes(self, photo: np.ndarray, **instead: Callable) -> torch.Tensor:
        """[faces, 5]: corners and score. A network may be replaced by name."""
        networks = list({**self.networks, **instead}.values())
        found, _ = self.module.detect_face(photo, SMALLEST_FACE, *networks, THRESHOLDS, FACTOR, "cpu")
        return torch.as_tensor(np.asarray(found[0], dtype=np.float32)).reshape(-1, 5)


def tiles(photo: np.ndarray) -> torch.Tensor:
    """Parts of the photo in two sizes, as the first network reads them."""
    pixels = (torch.from_numpy(photo).permute(2, 0, 1)[None].float() - 127.5) / 128
    sized = [nn.functional.interpolate(pixels, scale_factor=12 / SMALLEST_FACE * by, mode="area") for by in (1, 0.5)]
    parts = [part.unfold(2, TILE, TILE // 2).unfold(3, TILE, TILE // 2) for part in sized]
    return torch.cat([part.permute(0, 2, 3, 1, 4, 5).flatten(0, 2) for part in parts])


def example_of(detector: Detector, name: str, photo: np.ndarray) -> torch.Tensor:
    """What a network is given while the detector looks at the photo, as far as one call goes."""
    seen: list[torch.Tensor] = []
    detector.boxes(photo, **{name: lambda x: seen.append(x) or detector.networks[name](x)})
    return seen[0]


def quantized(detector: Detector, name: str, photos: list[np.ndarray]) -> nn.Module:
    """A network of the detector, calibrated by the detector at work: it does not know what it is part of."""
    example = tiles(photos[0])[:2] if name == "PNet" else example_of(detector, name, photos[0])[:2]
    sizes = {0: torch.export.Dim("batch")}
    if name == "PNet":  # reads images of any size
        sizes |= {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
    res = transform(detector.networks[name], (example,), dynamic_shapes=(sizes,))

    def loop(model: nn.Module) -> None:
        for photo in photos:
            if name == "PNet":
                model(tiles(photo))
            else:
                detector.boxes(photo, **{name: model})

    return quantize(res.model, (example,), forward_loop=loop, freeze_weights=True)


def main(folder: Path, paths: list[Path]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore", category=FutureWarning)  # torch.export's own
    photos = [np.array(Image.open(path).convert("RGB")) for path in paths]
    detector = Detector()
    small = {}
    for name in detector.networks:
        small[name] = quantized(detector, name, photos)
        export_onnx(small[name], folder / f"{name.lower()}_int8.onnx")
        print(f"{name}: {str(small[name].report).splitlines()[0]}")
    for path, photo in zip(paths, photos, strict=True):
        before, after = detector.boxes(photo), detector.boxes(photo, **small)
        picture = Image.fromarray(photo)
        draw = ImageDraw.Draw(picture)
        for box in before:
            draw.rectangle(box[:4].tolist(), outline=(0, 200, 0), width=3)
            best = float(overlap(box, after).max()) if len(after) else 0.0
            print(f"{path.stem}: a face at {box[:4].round().int().tolist()}, {best:.2f} of it found again")
        for box in after:
            draw.rectangle(box[:4].tolist(), outline=(230, 0, 0), width=1)
        picture.save(folder / "faces.png" if len(paths) == 1 else folder / f"faces_{path.stem}.png")


def own_photo() -> Path:
    """The one that comes with scikit-image."""
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        raise SystemExit("name a photo, or install scikit-image, which has one")
    return Path(found.origin).parent / "data" / "astronaut.png"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."), [Path(path) for path in sys.argv[2:]] or [own_photo()])
