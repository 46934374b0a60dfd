"""`manage.py generationworker`: one generation worker, until SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand

from assistant import heartbeat
from assistant.chat.worker import GenerationWorker
from assistant.tools.servers import keeping
from inference.client import EngineClient
from inference.tokenizer import ChatTokenizer


class Command(BaseCommand):
    help = "Make answers: claim waiting ones, ask the engine, log every token."

    def handle(self, *args: Any, **options: Any) -> None:
        uvloop.run(serve())


async def serve() -> None:
    client = EngineClient(settings.ENGINE_URLS, settings.ENGINE_KEY)
    worker = GenerationWorker(client, ChatTokenizer.from_folder(settings.MODEL_PATH))
    working = asyncio.create_task(worker.run())
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, working.cancel)
    with heartbeat.beating("generation"):
        await asyncio.gather(working, return_exceptions=True)
    await keeping.close_all()
    await client.close()
