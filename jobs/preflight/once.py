"""Work that is done once a run, whoever asks for it, and however many at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any


class Once:
    """Results by key, in one event loop. The first who asks for a key does the work, the others wait for him; when he
    is cancelled, one of them goes on in his place. An error is no result: it reaches who did the work, and the next
    one tries anew."""

    def __init__(self) -> None:
        self._results: dict[Hashable, Any] = {}
        self._running: dict[Hashable, asyncio.Future[None]] = {}

    async def __call__(self, key: Hashable, work: Callable[[], Awaitable[Any]]) -> Any:
        while key not in self._results:
            running = self._running.get(key)
            if running is None:
                return await self._do(key, work)
            await asyncio.shield(running)
        return self._results[key]

    async def _do(self, key: Hashable, work: Callable[[], Awaitable[Any]]) -> Any:
        over = self._running[key] = asyncio.get_running_loop().create_future()
        try:
            result = self._results[key] = await work()
        finally:
            del self._running[key]
            over.set_result(None)
        return result
