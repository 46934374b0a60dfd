"""The flags that vLLM is started with."""

import importlib
import json

import pytest

from inference.engine import server

CONFIG = {
    "model_type": "llama",
    "max_position_embeddings": 2048,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "head_dim": 64,
    "hidden_size": 576,
}


@pytest.fixture
def arguments(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))

    def parse(*more):
        given = ["--model", str(tmp_path), "--port", "8001", "--max-model-len", "4096", *more]
        return server.options().parse_args(given)

    return parse


@pytest.fixture
def seeing(tmp_path):
    """A vision-language model that reasons and calls tools, whose text part is like the above."""
    config = {"model_type": "qwen3_vl", "text_config": CONFIG, "vision_config": {}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "chat_template.jinja").write_text("{{ tools }}{{ enable_thinking }}")
    return server.options().parse_args(["--model", str(tmp_path), "--port", "8001"])


@pytest.fixture(autouse=True)
def _plenty_of_memory(monkeypatch):
    monkeypatch.setattr(server, "free_memory", lambda: 64 << 30)


def value(flags, name):
    return flags[flags.index(name) + 1]


def test_the_context_is_no_longer_than_the_models(arguments):
    assert value(server.flags(arguments()), "--max-model-len") == "2048"


def test_the_engine_listens_at_home_and_logs_no_requests(arguments):
    flags = server.flags(arguments())

    assert value(flags, "--host") == "127.0.0.1"
    assert {"--no-enable-log-requests", "--disable-uvicorn-access-log"} <= set(flags)
    assert value(flags, "--logprobs-mode") == "processed_logprobs"


def test_the_cache_on_a_cpu_holds_full_windows(arguments, monkeypatch):
    monkeypatch.setattr(server, "has_nvidia_driver", lambda: False)

    flags = server.flags(arguments())

    # 30 layers, keys and values, 3 heads of 64 numbers of 2 bytes: 23,040 bytes a token;
    # 32 windows of 2,048 tokens.
    assert value(flags, "--kv-cache-memory-bytes") == str(32 * 2048 * 23_040)


def test_the_cache_leaves_most_of_the_memory_alone(arguments, monkeypatch):
    monkeypatch.setattr(server, "has_nvidia_driver", lambda: False)
    monkeypatch.setattr(server, "free_memory", lambda: 4 << 30)

    assert value(server.flags(arguments()), "--kv-cache-memory-bytes") == str(1 << 30)


def test_a_gpu_is_shared_with_the_learner(arguments, monkeypatch):
    monkeypatch.setattr(server, "has_nvidia_driver", lambda: True)

    flags = server.flags(arguments("--gpu-memory", "0.4"))

    assert value(flags, "--gpu-memory-utilization") == "0.4"
    assert "--enforce-eager" not in flags


def test_a_server_without_a_key_does_not_start(arguments, monkeypatch):
    monkeypatch.delenv("VLLM_API_KEY", raising=False)
    monkeypatch.setattr(
        "sys.argv", ["server", "--model", ".", "--port", "1", "--max-model-len", "1"]
    )

    with pytest.raises(SystemExit, match="VLLM_API_KEY"):
        server.main()


def test_the_share_of_a_gpu_is_a_setting(arguments, monkeypatch):
    monkeypatch.setattr(server, "has_nvidia_driver", lambda: True)

    assert value(server.flags(arguments()), "--gpu-memory-utilization") == "0.45"
    monkeypatch.setenv("DANAS_GPU_ENGINE_MEMORY", "0.3")
    assert value(server.flags(arguments()), "--gpu-memory-utilization") == "0.3"


def test_the_engine_fetches_adapters_by_itself(arguments):
    name = value(server.flags(arguments()), "--middleware")

    module, _, found = name.rpartition(".")
    assert hasattr(importlib.import_module(module), found)


def test_a_text_model_is_served_without_parsers_and_pictures(arguments):
    flags = server.flags(arguments())

    assert value(flags, "--lora-target-modules") == "q_proj"
    for name in ("--reasoning-parser", "--tool-call-parser", "--limit-mm-per-prompt"):
        assert name not in flags
    assert not {"--enable-tower-connector-lora", "--language-model-only"} & set(flags)


def test_a_model_that_sees_and_reasons_is_served_as_its_profile_says(seeing):
    flags = server.flags(seeing)

    assert value(flags, "--reasoning-parser") == "qwen3"
    assert value(flags, "--tool-call-parser") == "hermes"
    assert "--enable-auto-tool-choice" in flags
    assert json.loads(value(flags, "--limit-mm-per-prompt")) == {"image": 4, "video": 0}


def test_the_cache_of_a_model_that_sees_is_that_of_its_text_part(seeing, monkeypatch):
    monkeypatch.setattr(server, "has_nvidia_driver", lambda: False)

    # As above: 23,040 bytes a token, 32 windows of 2,048 tokens, which is as far as it reaches.
    assert value(server.flags(seeing), "--kv-cache-memory-bytes") == str(32 * 2048 * 23_040)


def test_a_model_that_sees_is_sent_text_only_where_its_profile_knows_no_pictures(
    seeing, monkeypatch
):
    monkeypatch.setenv("DANAS_PROFILE", "generic")

    assert "--language-model-only" in server.flags(seeing)


def test_adapters_on_the_vision_tower_are_served_when_that_is_set(seeing, monkeypatch):
    assert "--enable-tower-connector-lora" not in server.flags(seeing)

    monkeypatch.setenv("DANAS_TOWER_LORA", "on")

    flags = server.flags(seeing)
    assert {"--enable-tower-connector-lora", "qkv", "linear_fc1"} <= set(flags)
    # vLLM could wrap no convolution of that name.
    assert "proj" not in flags


def test_the_context_is_window_and_answer_unless_it_is_given(seeing, monkeypatch):
    config = {"model_type": "qwen3_vl", "text_config": CONFIG | {"max_position_embeddings": 9999}}
    (seeing.model / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("DANAS_WINDOW_TOKENS", "3000")
    monkeypatch.setenv("DANAS_ANSWER_TOKENS", "500")

    assert value(server.flags(seeing), "--max-model-len") == "3500"


def test_flags_of_one_s_own_come_last(arguments, monkeypatch):
    monkeypatch.setenv("DANAS_ENGINE_FLAGS", "--tensor-parallel-size 4 --seed '7'")

    assert server.command(arguments(), ["--more"])[-5:] == [
        *("--more", "--tensor-parallel-size", "4", "--seed", "7"),
    ]
