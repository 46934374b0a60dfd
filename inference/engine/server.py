"""Starts vLLM's OpenAI server with the flags that Danas needs, in this very process.

`VLLM_API_KEY=… python -m inference.engine.server --model DIR --port N`

What differs from model to model comes from its profile; `DANAS_ENGINE_FLAGS` has the last word.

vLLM's API server runs here and starts an EngineCore and a worker as child processes. It does not
tie their lives to its own: after a SIGKILL of the API server both go on running. multiprocessing
imports this module again in each of them, under the name `__mp_main__`, and there it asks the
kernel to be killed together with its parent.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

from inference.contracts import BASE_NAME
from inference.profiles import Lora, Profile, lora_of, profile_of

PR_SET_PDEATHSIG = 1
FULL_WINDOWS = 32
BYTES_PER_NUMBER = 2

ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
    "VLLM_DISABLE_LOG_LOGO": "1",
    # The children have to import this module; after a fork they would not.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    # A connection that is kept is one that need not be made before the next first token.
    "VLLM_HTTP_TIMEOUT_KEEP_ALIVE": "75",
}

CPU_ENVIRONMENT = {
    # vLLM compiles two helpers of its sampler with a C++ compiler at the first request that wants
    # log-probabilities, for 15 s, --enforce-eager or not. They gain nothing from it on a CPU, and
    # a machine may have no compiler.
    "TORCHDYNAMO_DISABLE": "1",
}


def die_with_parent() -> None:
    """Have the kernel send SIGKILL to this process when the one that started it is gone."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is not None and os.getppid() != parent.pid:
        os._exit(1)


def has_nvidia_driver() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists()


def model_config(model: Path) -> dict[str, Any]:
    """The language model's part of config.json."""
    config = json.loads((model / "config.json").read_text())
    text: dict[str, Any] = config.get("text_config", config)
    return text


def context_tokens(arguments: argparse.Namespace) -> int:
    """Window plus answer, as far as the model reaches."""
    profile = profile_of(arguments.model)
    window = int(os.environ.get("DANAS_WINDOW_TOKENS") or profile.window_tokens)
    answer = int(os.environ.get("DANAS_ANSWER_TOKENS") or profile.answer_tokens)
    reach = int(model_config(arguments.model)["max_position_embeddings"])
    return min(arguments.max_model_len or window + answer, reach)


def flags(arguments: argparse.Namespace) -> list[str]:
    tokens = context_tokens(arguments)
    return [
        *("--model", str(arguments.model), "--served-model-name", BASE_NAME),
        *("--host", arguments.host, "--port", str(arguments.port)),
        *("--max-model-len", str(tokens), "--max-num-seqs", str(arguments.max_num_seqs)),
        *("--dtype", "bfloat16", "--generation-config", "vllm"),
        # Log-probabilities of the distribution that was sampled from, after temperature and top-p.
        *("--logprobs-mode", "processed_logprobs"),
        *("--enable-lora", "--max-lora-rank", str(arguments.max_lora_rank)),
        *of_adapters(lora_of(arguments.model)),
        *("--max-loras", str(arguments.max_loras)),
        *("--max-cpu-loras", str(arguments.max_cpu_loras)),
        *("--middleware", "inference.engine.fetching.Fetching"),
        # One line per request would be noise, and the text of a message is never logged.
        *("--no-enable-log-requests", "--disable-uvicorn-access-log", "--disable-fastapi-docs"),
        *of_profile(profile_of(arguments.model), arguments.model),
        *(on_gpu(arguments) if has_nvidia_driver() else on_cpu(arguments)),
    ]


def of_adapters(lora: Lora) -> list[str]:
    tower = ["--enable-tower-connector-lora"] if lora.has_tower else []
    return ["--lora-target-modules", *lora.layers, *tower]


def of_profile(profile: Profile, model: Path) -> list[str]:
    found = list(profile.engine_flags)
    if profile.reasoning_parser:
        found += ["--reasoning-parser", profile.reasoning_parser]
    if profile.tool_parser:
        found += ["--enable-auto-tool-choice", "--tool-call-parser", profile.tool_parser]
    if profile.chat_template:
        found += ["--chat-template", str(profile.chat_template)]
    if profile.images:
        limits = json.dumps({"image": profile.images, "video": 0})
        found += ["--limit-mm-per-prompt", limits]
        if profile.processor:
            found += ["--mm-processor-kwargs", json.dumps(profile.processor)]
    elif "vision_config" in json.loads((model / "config.json").read_text()):
        # It could see, but nothing of Danas would know how.
        found += ["--language-model-only"]
    return found


def command(arguments: argparse.Namespace, more: list[str]) -> list[str]:
    """What vLLM is told; of a flag that stands twice it takes the last."""
    given = shlex.split(os.environ.get("DANAS_ENGINE_FLAGS", ""))
    return ["vllm", *flags(arguments), *more, *given]


def on_gpu(arguments: argparse.Namespace) -> list[str]:
    return ["--gpu-memory-utilization", str(arguments.gpu_memory)]


def on_cpu(arguments: argparse.Namespace) -> list[str]:
    """Eager, since with runtime LoRA vLLM compiles nothing on a CPU anyway.

    Measured on 2 shared cores: ready after 26 s, 17, 86 and 149 tokens/s for 1, 8 and 32 answers
    at once, with and without --enforce-eager, and 153 without LoRA. vLLM leaves one core to its
    scheduler and to others; bound to both, it made 4, 32 and 63 while other processes ran.
    """
    room = arguments.kv_cache_mb << 20 if arguments.kv_cache_mb else kv_cache_bytes(arguments)
    return [
        *("--enforce-eager", "--kv-cache-memory-bytes", str(room)),
        *("--worker-extension-cls", "inference.engine.cpu_worker.WorkerExtension"),
    ]


def kv_cache_bytes(arguments: argparse.Namespace) -> int:
    """Room for FULL_WINDOWS full windows; left to itself vLLM takes most of the memory.

    Zeroing it takes 3 s per gibibyte at the start.
    """
    config = model_config(arguments.model)
    heads = config.get("num_key_value_heads", config["num_attention_heads"])
    width = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    per_token = 2 * config["num_hidden_layers"] * heads * width * BYTES_PER_NUMBER
    tokens = context_tokens(arguments)
    return int(min(FULL_WINDOWS * tokens * per_token, free_memory() // 4))


def free_memory() -> int:
    """Bytes that could be had without swapping; where Linux does not say, half of all there is."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) << 10
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Start vLLM as Danas's engine.")
    parser.add_argument("--model", type=Path, required=True, help="the base model's folder")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--max-model-len", type=int, help="window plus answer, by the settings")
    parser.add_argument("--max-num-seqs", type=int, default=64, help="answers made at once")
    parser.add_argument("--max-lora-rank", type=int, default=32)
    parser.add_argument("--max-loras", type=int, default=4, help="adapters in one batch")
    parser.add_argument("--max-cpu-loras", type=int, default=16, help="adapters kept in memory")
    parser.add_argument("--kv-cache-mb", type=int, help="on a CPU; by default 32 full windows")
    share = os.environ.get("DANAS_GPU_ENGINE_MEMORY", "0.45")
    parser.add_argument("--gpu-memory", type=float, default=share, help="the learner has the rest")
    return parser


def main() -> None:
    arguments, more = options().parse_known_args()
    if not os.environ.get("VLLM_API_KEY"):
        sys.exit("VLLM_API_KEY is not set: without a key anyone could load adapters.")
    for name, value in (ENVIRONMENT | ({} if has_nvidia_driver() else CPU_ENVIRONMENT)).items():
        os.environ.setdefault(name, value)
    sys.argv = command(arguments, more)
    from vllm.entrypoints.launchers.api_server import entry

    serve: Any = entry.main
    serve()


if __name__ == "__main__":
    main()
elif __name__ == "__mp_main__":
    die_with_parent()
