"""Work that is done once a run, whoever asks for it, and however many at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from itertools import islice
from typing import Any


class Once:
    """Results by key, in one event loop. The first who asks for a key does the work, the others wait for him; when he
    is cancelled, one of them goes on in his place. An error is no result: it reaches who did the work, and the next
    one tries anew.

    `size` tells how many bytes keeping a result takes; when all take more than `most`, the older half is forgotten.
    """

    def __init__(self, most: int, size: Callable[[Any], int]) -> None:
        self._most = most
        self._size = size
        self._bytes = 0
        self._results: dict[Hashable, Any] = {}
        self._waiting: dict[Hashable, list[asyncio.Future[None]]] = {}
        """For work that is being done."""

    async def __call__(self, key: Hashable, work: Callable[[], Awaitable[Any]]) -> Any:
        while key not in self._results:
            if key not in self._waiting:
                return await self._do(key, work)
            over = asyncio.get_running_loop().create_future()
            self._waiting[key].append(over)
            await over
        return self._results[key]

    async def _do(self, key: Hashable, work: Callable[[], Awaitable[Any]]) -> Any:
        self._waiting[key] = []
        try:
            result = await work()
            self._keep(key, result)
        finally:
            for over in self._waiting.pop(key):
                if not over.done():
                    over.set_result(None)
        return result

    def _keep(self, key: Hashable, result: Any) -> None:
        while self._bytes > self._most:
            for old in list(islice(self._results, (len(self._results) + 1) // 2)):
                self._bytes -= self._size(self._results.pop(old))
        self._results[key] = result
        self._bytes += self._size(result)
