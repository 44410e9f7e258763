"""Networks from timm and transformers, built from configurations: nothing is downloaded.

timm imports torchvision and Pillow for its data loading, which building a network never calls; torchvision has no
build for every torch. While timm is imported, placeholders stand in for whichever of the two is missing.
"""

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")


class _Placeholder(type):
    """A class whose every attribute is another such class: enough to inherit from, to compare, to be a key."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Placeholder(name, (), {})


class _PlaceholderModule(types.ModuleType):
    __version__ = "99.0"

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Placeholder(name, (), {})


class _PlaceholderFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, roots):
        self.roots = roots

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.roots:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return _PlaceholderModule(spec.name)

    def exec_module(self, module):
        pass


@contextlib.contextmanager
def placeholders(*roots):
    """While in it, importing any of `roots` that is not installed gives a module in which every name is a class."""
    finder = _PlaceholderFinder([root for root in roots if importlib.util.find_spec(root) is None])
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.partition(".")[0] in finder.roots]:
            del sys.modules[name]


def timm_model(name, **options):
    with placeholders("torchvision", "PIL"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import timm
    return timm.create_model(name, pretrained=False, **options)


def transformers_model(kind, **options):
    """transformers' KINDForImageClassification of a KINDConfig with `options`."""
    import transformers

    config = getattr(transformers, f"{kind}Config")(**options)
    return getattr(transformers, f"{kind}ForImageClassification")(config)
