"""The learner over several GPUs: `torchrun --nproc-per-node N -m learning.worker.launch`.

Rank 0 becomes the Celery worker that a single learner is; what follows on the command line is given
to Celery in place of the usual arguments. The other ranks load the base model and follow.
"""

from __future__ import annotations

import os
import sys

import django
from celery.bin.celery import main as celery

from learning.policy import parallel
from learning.policy.local import LocalTrainer

USUAL = (
    *("-A", "assistant.celery", "worker", "-Q", "learner", "--hostname", "learner@%h"),
    *("--pool", "solo", "--concurrency", "1", "--include", "learning.worker.tasks"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"),
)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")
    django.setup()
    if parallel.join() == parallel.LEADER:
        sys.argv = ["celery", *(sys.argv[1:] or USUAL)]
        try:
            celery()
        finally:
            parallel.dismiss()
    else:
        from learning.worker.loaded import workshop  # settings have to be set up first

        parallel.follow(LocalTrainer(workshop().base))


if __name__ == "__main__":
    main()
