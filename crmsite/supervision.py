"""The processes of `make run`: begun together, watched, ended in order, never left behind."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

PARENT_DIED = 1  # Linux' PR_SET_PDEATHSIG
PATIENCE = 6  # seconds that a child has to end by itself
RESTART_INTERVAL = 5  # seconds between the starts of a child that keeps dying


class Child:
    """A process of ours, in a session of its own, so that a terminal's Ctrl-C reaches only us."""

    def __init__(self, *command: str, environment: dict[str, str]) -> None:
        self.command = command
        self.environment = environment
        self.start()

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, *self.command],
            env=self.environment,
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )

    @property
    def died(self) -> bool:
        return self.process.poll() is not None

    @property
    def due(self) -> bool:
        """Dead, and not again so soon that starting it would only fill the log."""
        return self.died and time.monotonic() - self.started > RESTART_INTERVAL


def end_with_parent() -> Callable[[], None]:
    """What makes a process, called in it, get SIGTERM when its parent dies, however that dies.

    Only Linux offers it. Elsewhere killing `make run` outright leaves its children.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(PARENT_DIED, signal.SIGTERM)


def end_with_make() -> None:
    """End, too, when the make that started us is killed outright."""
    if os.environ.get("MAKELEVEL"):
        end_with_parent()()


def end(children: list[Child]) -> None:
    """Ask all to end, give them a while, kill those that have not."""
    for child in children:
        child.process.terminate()
    deadline = time.monotonic() + PATIENCE
    for child in children:
        try:
            child.process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()


def exit_on(*signals: signal.Signals, status: int) -> threading.Event:
    """Have the first of these signals end us through every `finally`, undisturbed by the next.

    Returns what is set by then: Python drops an exception that a signal raises in certain places
    (a fork's preparations, for one), so loops that fork ask it too.
    """
    told = threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_IGN)
        told.set()
        sys.exit(status)

    for each in signals:
        signal.signal(each, leave)
    return told


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
