"""Which profile a model's folder gets, and what is in it."""

import ast
import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from inference.profiles import (
    FAMILIES,
    Thinking,
    UnknownProfile,
    abilities,
    lora_of,
    profile_of,
    what_is_off,
)
from inference.profiles.abilities import of
from inference.profiles.checkpoint import Checkpoint
from tests.inference.profiles.templates import EARLIER, HYBRID, INSTRUCT, KIMI, THINKING


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("DANAS_PROFILE", raising=False)
    monkeypatch.delenv("DANAS_TOWER_LORA", raising=False)

    def make(kind, template=INSTRUCT, name="model", **more):
        model = tmp_path / name
        model.mkdir()
        (model / "config.json").write_text(json.dumps({"model_type": kind} | more))
        (model / "chat_template.jinja").write_text(template)
        return model

    return make


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("qwen3", "qwen3"),
        ("qwen3_moe", "qwen3"),
        ("qwen3_vl", "qwen3_vl"),
        ("qwen3_vl_moe", "qwen3_vl"),
        ("idefics3", "idefics3"),
        ("smolvlm", "idefics3"),
        ("kimi_k2", "kimi_k2"),
        ("llama", "generic"),
        ("something_new", "generic"),
    ],
)
def test_a_family_is_recognised_by_the_model_s_type(folder, kind, name):
    assert profile_of(folder(kind)).name == name


def test_smollm2_is_told_from_other_llamas_by_its_template(folder):
    model = folder("llama", "You are a helpful AI assistant named SmolLM, trained by Hugging Face")

    assert profile_of(model).name == "smollm2"


@pytest.mark.parametrize("kind", ["qwen3", "qwen3_vl"])
@pytest.mark.parametrize(
    ("template", "thinking", "parser"),
    [
        (INSTRUCT, Thinking.NEVER, ""),
        (THINKING, Thinking.ALWAYS, "qwen3"),
        (HYBRID, Thinking.SWITCHED, "qwen3"),
    ],
)
def test_whether_a_qwen3_reasons_is_read_from_its_template(
    folder, kind, template, thinking, parser
):
    profile = profile_of(folder(kind, template))

    assert (profile.thinking, profile.reasoning_parser) == (thinking, parser)


def test_only_what_can_be_switched_is_switched(folder):
    switched, always = folder("qwen3", HYBRID, "switched"), folder("qwen3", THINKING, "always")

    assert profile_of(switched).template(thinks=False) == {"enable_thinking": False}
    assert abilities(switched).template == {"enable_thinking": True}
    assert profile_of(always).template(thinks=False) == {}


def test_kimi_s_thinking_model_is_told_by_the_mark_in_its_template(folder):
    plain, thinking = folder("kimi_k2", KIMI, "plain"), folder("kimi_k2", EARLIER, "thinking")

    assert not abilities(plain).reasons
    assert abilities(thinking).reasons


def test_a_template_without_tools_is_offered_none(folder):
    assert not abilities(folder("qwen3", "{{ messages }}")).tools


def test_an_unknown_model_is_served_with_all_that_is_off_said(folder):
    model = folder("something_new")

    off = what_is_off(profile_of(model))

    assert [sentence.partition(" ")[0] for sentence in off] == [
        "No",
        "Images",
        "Reasoning",
        "Tools",
    ]
    assert not abilities(model).is_chat


def test_nothing_is_off_for_a_model_that_does_everything(folder):
    model = folder("qwen3_vl", THINKING)

    assert what_is_off(profile_of(model)) == []
    assert abilities(model).images == 4
    assert abilities(model).is_chat


def test_a_profile_can_be_named_by_hand(folder, monkeypatch):
    model = folder("something_new")
    assert profile_of(model).name == "generic"

    monkeypatch.setenv("DANAS_PROFILE", "qwen3")

    assert profile_of(model).name == "qwen3"


def test_a_name_that_no_profile_has_is_refused_with_those_there_are(folder, monkeypatch):
    monkeypatch.setenv("DANAS_PROFILE", "qwen4")

    with pytest.raises(UnknownProfile, match="'qwen4' is none of smollm2, qwen3, qwen3_vl"):
        profile_of(folder("qwen3"))


def test_a_model_that_is_still_to_come_is_looked_at_again(folder, tmp_path):
    assert profile_of(tmp_path / "model").name == "generic"

    assert profile_of(folder("qwen3")).name == "qwen3"


def test_window_and_answer_are_no_more_than_the_model_reaches(folder):
    model = folder("qwen3_vl", THINKING, text_config={"max_position_embeddings": 4096})

    profile = profile_of(model)

    # Both want 8,192; a fourth of 4,096 is for the answer.
    assert (profile.window_tokens, profile.answer_tokens) == (3072, 1024)


def test_every_parser_is_one_that_the_installed_vllm_has():
    """From vLLM's own tables, which are read without importing it."""
    reasoning = table("reasoning", "_REASONING_PARSERS_TO_REGISTER")
    tools = table("tool_parsers", "_TOOL_PARSERS_TO_REGISTER")

    for profile in everything():
        assert profile.reasoning_parser in {"", *reasoning}, profile.name
        assert profile.tool_parser in {"", *tools}, profile.name


def table(package, name):
    [vllm] = find_spec("vllm").submodule_search_locations
    tree = ast.parse((Path(vllm) / package / "__init__.py").read_text())
    [found] = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    return ast.literal_eval(found)


def everything():
    templates = (INSTRUCT, THINKING, HYBRID, KIMI)
    return [
        family.profile(Checkpoint(template=template))
        for family in FAMILIES.values()
        for template in templates
    ]


def test_a_profile_that_reasons_has_a_parser_for_it_and_the_other_way_round():
    for profile in everything():
        assert bool(profile.reasoning_parser) == (profile.thinking is not Thinking.NEVER)
        assert bool(profile.switch) == (profile.thinking is Thinking.SWITCHED)
        assert of(profile).reasons == bool(profile.reasoning_parser)


@pytest.mark.parametrize(
    ("kind", "tower", "name", "is_trained"),
    [
        ("qwen3", "", "model.layers.0.self_attn.q_proj", True),
        ("qwen3", "", "lm_head", False),
        ("qwen3_vl", "", "model.language_model.layers.3.mlp.up_proj", True),
        ("qwen3_vl", "", "model.visual.blocks.0.attn.qkv", False),
        ("qwen3_vl", "on", "model.language_model.layers.3.mlp.up_proj", True),
        ("qwen3_vl", "on", "model.visual.blocks.0.attn.qkv", True),
        ("qwen3_vl", "on", "model.visual.deepstack_merger_list.0.linear_fc2", True),
        ("qwen3_vl", "on", "model.visual.blocks.1.attn.proj", True),
        ("qwen3_vl", "on", "model.visual.patch_embed.proj", False),
        ("idefics3", "", "model.text_model.layers.0.self_attn.o_proj", True),
        ("idefics3", "", "model.vision_model.encoder.layers.0.self_attn.q_proj", False),
        ("idefics3", "on", "model.vision_model.encoder.layers.0.self_attn.q_proj", True),
        ("idefics3", "on", "model.connector.modality_projection.proj", True),
        ("qwen3", "on", "model.layers.0.self_attn.q_proj", True),
        ("kimi_k2", "", "model.layers.5.mlp.shared_experts.up_proj", True),
        ("kimi_k2", "", "model.layers.5.mlp.experts.17.up_proj", False),
        ("kimi_k2", "", "model.layers.5.self_attn.kv_b_proj", False),
    ],
)
def test_adapters_are_on_the_language_model_and_the_tower_where_it_is_asked_for(
    folder, monkeypatch, kind, tower, name, is_trained
):
    monkeypatch.setenv("DANAS_TOWER_LORA", tower)

    lora = lora_of(folder(kind, vision_config={"depth": 2}))

    assert bool(re.fullmatch(lora.pattern, name)) is is_trained
    if is_trained:
        # vLLM goes by the last part, or by the whole name, which it begins without "model".
        assert {name.rpartition(".")[2], name.removeprefix("model.")} & {*lora.layers}


def test_every_profile_has_a_row_in_the_documentation():
    page = Path(__file__).resolve().parents[3] / "docs" / "models.md"

    rows = re.findall(r"^\| `(\w+)` \|", page.read_text(), re.MULTILINE)

    assert rows == list(FAMILIES)


def test_the_profiles_bring_no_ml_library():
    script = "import sys, inference.profiles; print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    loaded = set(done.stdout.split())
    assert loaded & {"torch", "transformers", "vllm", "django"} == set()
