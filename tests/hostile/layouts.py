"""Honest zip archives that are no exported program, or an impossible one."""

import json

from hostile import seeds
from hostile.case import model
from hostile.zips import Part, zip_bytes


def _replaced(name, body):
    """The honest archive with one entry's body replaced, or left out."""
    parts = [part for part in seeds.parts() if not part.name.endswith(name)]
    return zip_bytes([*parts, *([] if body is None else [Part(f"m/{name}", body)])])


def cases():
    yield model(
        "torch.save's archive", "pt2.layout", zip_bytes([Part("a/data.pkl", b"\x80\x02."), Part("a/version", b"3")])
    )
    yield model(
        "TorchScript", "torchscript.code", zip_bytes([Part("a/constants.pkl", b"\x80\x02."), Part("a/data.pkl", b"")])
    )
    yield model(
        "an export of torch 2.7 that is empty",
        "pt2.schema",
        zip_bytes([Part("serialized_exported_program.json", b"{}")]),
    )
    yield model("another archive format", "pt2.layout", _replaced("archive_format", b"pt3"))
    yield model("no archive format", "pt2.layout", _replaced("archive_format", None))
    yield model("big-endian tensors", "pt2.layout", _replaced("byteorder", b"big"))
    yield model("a byte order that is none", "pt2.layout", _replaced("byteorder", b"\xff\x00middle"))
    yield model("a version that is none", "pt2.layout", _replaced("archive_version", b"-1"))
    yield model("a version of the future", "pt2.layout", _replaced("archive_version", b"9" * 1000))
    yield model("no model", "pt2.layout", _replaced("models/model.json", None))
    two = [Part("m/models/a.json", b"{}"), Part("m/models/b.json", b"{}")]
    yield model("two models and none named model", "pt2.layout", zip_bytes([*seeds.parts()[:2], *two]))
    compiled = Part("m/data/aotinductor/model/a.so", b"\x7fELF")
    yield model("a compiled program", "pt2.layout", zip_bytes([*seeds.parts()[:2], compiled]))
    yield model("weights that are missing", "pt2.record", seeds.archive(weight_0=None))
    yield model("no config of the weights", "pt2.graph", _replaced("data/weights/model_weights_config.json", None))
    yield model("an empty config of the weights", "pt2.graph", _replaced("data/weights/model_weights_config.json", b""))
    yield model("a config without weights", "pt2.graph", seeds.archive(config={"config": {}}))
    yield model("a config that is a list", "pt2.schema", seeds.archive(config=[]))
    yield model("a config that is text", "pt2.json", seeds.archive(config=b"config"))
    for path in (
        "../models/model.json",
        "/etc/passwd",
        "",
        ".",
        "weight_0/",
        "weight_0\0",
        "C:\\weight_0",
        "a" * 100_000,
    ):
        config = seeds.weights()
        config["config"]["conv.weight"]["path_name"] = path
        yield model(f"a weight in {path[:24]!r}", "pt2.record", seeds.archive(config=config))
    yield model("a model of zeros", "pt2.json", seeds.archive(model=b"\0" * 1000))
    yield model("an empty model", "pt2.json", _replaced("models/model.json", b""))
    yield model(
        "a config of a million keys",
        "pt2.schema",
        seeds.archive(config=json.dumps({"config": {str(i): 0 for i in range(100_000)}}).encode()),
    )
