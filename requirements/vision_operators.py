"""Lets PyPI's torchvision, which is built for CUDA, be imported beside a CPU build of torch.

There its compiled half can't be loaded, and describing two of the operators that this half would
have brought then fails with "operator torchvision::nms does not exist". With torchvision come down
`import peft`, most of transformers and vLLM, even where nobody looks at a picture. So the two are
declared just before they are described. Nobody calls them: they thin out boxes around objects.

`packages.py` lays this file into the environment, with a .pth file beside it that imports it in
every process. Calling it from our own code would not do: vLLM looks at a model's class in a process
that runs none of it. A torchvision that fits its torch is left as it is.
"""

import sys
from importlib.abc import MetaPathFinder

SCHEMAS = ("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",)
SCHEMAS += (SCHEMAS[0].replace("nms", "qnms"),)
DESCRIBED_IN = "torchvision._meta_registrations"


class Declaring(MetaPathFinder):
    """Finds nothing; it is told when the import of torchvision has come that far."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname == DESCRIBED_IN:
            sys.meta_path.remove(self)
            declare()
        return None


def declare():
    extension = sys.modules["torchvision.extension"]
    if extension._has_ops():
        return
    from torch.library import Library

    # What is declared lasts as long as this object does.
    extension.declared = Library("torchvision", "DEF")
    for schema in SCHEMAS:
        extension.declared.define(schema)


sys.meta_path.insert(0, Declaring())
