"""Pickles in the place of weights: none of them is ever unpickled."""

import json
import pickle

from hostile import seeds
from hostile.case import model
from hostile.zips import Part, zip_bytes


def _global(module, name, argument="true"):
    """What runs `module.name(argument)` when it is unpickled."""
    return f"c{module}\n{name}\n(V{argument}\ntR.".encode()


def cases():
    harmful = {
        "os.system": _global("os", "system"),
        "builtins.eval": _global("builtins", "eval", "1/0"),
        "subprocess.Popen": _global("subprocess", "Popen"),
        "torch.load": _global("torch", "load", "evil.pt"),
        "a stack of nothing": b"\x80\x02R.",
        "a bytes object of 2^63": b"\x80\x05\x8e" + b"\xff" * 7 + b"\x7f" + b".",
        "a memo of 2^32": b"\x80\x02]r\xff\xff\xff\xff.",
        "lists in each other": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
        "itself": b"\x80\x02]q\x00h\x00a.",
        "an honest dict": pickle.dumps({"conv.weight": 1}, protocol=2),
    }
    for title, body in harmful.items():
        yield model(
            f"pickled weights of {title}",
            "pt2.layout",
            zip_bytes([*seeds.parts(), Part("m/data/weights/model.pt", body)]),
        )
        parts = [Part("model/data.pkl", body), Part("model/version", b"3\n")]
        yield model(f"torch.save's file of {title}", "pt2.layout", zip_bytes(parts))
        config = seeds.weights()
        config["config"]["conv.weight"].update({"use_pickle": True, "tensor_meta": None})
        archive = seeds.archive(config=json.dumps(config).encode(), weight_0=body)
        yield model(f"a pickled tensor of {title}", "pt2.tensor", archive)
    yield model("a bare pickle", "pt2.layout", harmful["os.system"])
