"""What reads the export as it is: datasets, DuckDB, and TRL's trainers."""

from __future__ import annotations

import json

import duckdb
import pytest
from datasets import load_dataset

from assistant.trajectories import feed
from assistant.trajectories.filters import Filter
from assistant.trajectories.formats import FORMATS
from assistant.trajectories.lines import Reading
from learning.contracts import FeedbackKind
from tests import factories
from tests.system.stack import MODEL, make_model

pytestmark = pytest.mark.django_db


def exported(form, path, answers=4):
    """A file with `answers` trajectories, each with a thumb and a correction."""
    for number in range(answers):
        answer = factories.served(factories.ada(), f"Rain is water, {number}.")
        factories.feedback(answer, (FeedbackKind.UP, FeedbackKind.DOWN)[number % 2], tags=["dry"])
        factories.feedback(answer, FeedbackKind.CORRECTION, text="Rain is water that falls.")
    feed.give_places()
    with path.open("wb") as file:
        for page in Reading(form, Filter()).pages(0, feed.head(), 1000):
            file.write(page.content)
    return path


@pytest.fixture
def loaded(tmp_path):
    def load(form):
        path = exported(form, tmp_path / f"{form}.ndjson")
        return load_dataset(
            "json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache")
        )

    return load


@pytest.mark.parametrize("form", FORMATS)
def test_datasets_and_duckdb_read_each_format(form, tmp_path, loaded):
    dataset = loaded(form)

    path = tmp_path / f"{form}.ndjson"
    expected = [json.loads(line) for line in path.read_text().splitlines()]
    rows = duckdb.sql(f"SELECT trajectory_id, revision FROM read_json('{path}')").fetchall()
    assert [str(row[0]) for row in rows] == [each["trajectory_id"] for each in expected]
    assert dataset["trajectory_id"][:] == [each["trajectory_id"] for each in expected]
    assert set(dataset.column_names) == set(expected[0])


def a_tiny_model(folder):
    """A random model with the embedded one's tokens and chat template.

    It comes from a folder, since a trainer may read it a second time as its reference.
    """
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    make_model()
    tokenizer = AutoTokenizer.from_pretrained(str(MODEL))
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=256,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return LlamaForCausalLM.from_pretrained(folder), tokenizer


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["trl-sft", "trl-dpo", "trl-kto"])
def test_trls_trainers_take_their_formats_unchanged(form, tmp_path, loaded):
    import trl

    name = form.removeprefix("trl-").upper()
    trainer_class, config_class = (getattr(trl, f"{name}{part}") for part in ("Trainer", "Config"))
    model, tokenizer = a_tiny_model(tmp_path / "model")
    config = config_class(
        output_dir=str(tmp_path / "out"),
        max_steps=1,
        per_device_train_batch_size=2,
        use_cpu=True,
        bf16=False,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        gradient_checkpointing=False,
    )

    trainer = trainer_class(
        model=model, args=config, train_dataset=loaded(form), processing_class=tokenizer
    )
    done = trainer.train()

    assert done.global_step == 1
    assert done.training_loss > 0
