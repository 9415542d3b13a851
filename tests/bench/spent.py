"""What programs took that ended while a clock ran: seconds of the wall, of the CPU, and the largest one's memory."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jobs.demo.daemons.starting import LOGS

_KB = 1024
_READ_EVERY = 0.02
_SHOWN = 6


@dataclass
class Commands:
    """Programs that are run to their end; `stop` ends those that run, and no further one is started. `log`: where their
    words go."""

    log: Path = LOGS / "commands.log"
    cpu: float = 0.0
    memory: float = 0.0
    """MB at the highest, of the largest one. Read while they run: what wait4 tells begins with what this very process
    had when it started them."""

    ended: int = 0
    stopped: bool = False
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        expected: Sequence[int] = (0,),
    ) -> None:
        """Raises RuntimeError with the end of what it said unless its exit code is one of `expected`."""
        with self.log.open("ab") as sink, self._lock:
            if self.stopped:
                raise RuntimeError("stopped")
            said_from = sink.tell()
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, pass_fds=pass_fds,
                env={**os.environ, **(environment or {})}, start_new_session=True,
            )
            self._running.add(process)
        _, status, used = os.wait4(process.pid, 0)  # nothing else waits for it
        process.returncode = os.waitstatus_to_exitcode(status)
        with self._lock:
            self._running.discard(process)
            self.cpu += used.ru_utime + used.ru_stime
            self.ended += 1
        if process.returncode not in expected:
            said = self.log.read_bytes()[said_from:].decode("utf-8", "replace").strip().splitlines()[-5:]
            raise RuntimeError(f"{' '.join(command[:_SHOWN])}: exit {process.returncode}, it said: {' / '.join(said)}")

    def run_all(self, commands: Sequence[Sequence[str]], at_once: int = 1) -> None:
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(self.run, commands))

    @contextmanager
    def memory_read(self) -> Iterator[None]:
        """Every few milliseconds, for the length of the block."""
        over = threading.Event()

        def read() -> None:
            while not over.wait(_READ_EVERY):
                with self._lock:
                    running = list(self._running)
                for process in running:
                    self.memory = max(self.memory, highest(process.pid))

        reader = threading.Thread(target=read, name="memory", daemon=True)
        reader.start()
        try:
            yield
        finally:
            over.set()
            reader.join()

    def stop(self) -> None:
        with self._lock:
            self.stopped = True
            for process in self._running:
                process.kill()


def of_daemon(name: str) -> tuple[float, float]:
    """CPU seconds of all processes of that name with what they reaped, and MB of the largest one at its highest."""
    cpu, memory = 0.0, 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            before, _, after = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")
        except OSError:
            continue  # it has ended meanwhile
        if before.partition(" (")[2] == name:
            cpu += sum(int(ticks) for ticks in after.split()[11:15]) / os.sysconf("SC_CLK_TCK")
            memory = max(memory, highest(int(folder.name)))
    return cpu, memory


def highest(pid: int) -> float:
    """MB that a process had at most; 0 when it has ended."""
    try:
        status = Path("/proc", str(pid), "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    found = status.partition("VmHWM:")[2].split()
    return int(found[0]) / _KB if found else 0.0


def wait_until(done: Callable[[], bool], stopped: Callable[[], bool], every: float = 0.05) -> None:
    """Raises RuntimeError when it was `stopped` before it was `done`."""
    while not done():
        if stopped():
            raise RuntimeError("stopped")
        time.sleep(every)
