"""The machine that was measured on, and what was measured there."""

import os
import platform
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir

from bench.peers import PEERS
from bench.processes import BenchError
from bench.server import SETTINGS, Server
from bench.sizes import Size
from exporter import __version__

GB = 1e9
TUNED = ("shared_buffers", "work_mem", "random_page_cost", "jit", "fsync")


def machine() -> dict[str, str]:
    """Processor, memory and system by name."""
    return {
        "processor": f"{len(os.sched_getaffinity(0))} x {_first('/proc/cpuinfo', 'model name')}",
        "memory": f"{int(_first('/proc/meminfo', 'MemTotal').split()[0]) / 1024**2:.0f} GB",
        "system": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def require_disk(size: Size) -> str:
    """What a run needs of the disk, and what is free there.

    Raises:
        BenchError: it is not enough.
    """
    free = shutil.disk_usage(gettempdir()).free
    said = f"needs about {size.disk_bytes / GB:.0f} GB of disk in {gettempdir()}, where {free / GB:.0f} GB are free"
    if free < size.disk_bytes:
        raise BenchError(f"{said}; fix: set TMPDIR to a directory on a larger disk")
    return said


def peer_versions() -> dict[str, str]:
    """The versions of the peers by name; of one that is not installed, how to install it."""
    return {peer.name: peer.state() for peer in PEERS}


def versions(server: Server) -> dict[str, str]:
    """The exporter and its database, by name."""
    tuned = ", ".join(f"{name}={SETTINGS[name]}" for name in TUNED)
    return {
        "Resource Exporter": f"{__version__}, Python {platform.python_version()}",
        "PostgreSQL": f"{server.version}, {tuned}",
    }


def _first(path: str, name: str) -> str:
    found = re.search(rf"^{name}\s*:\s*(.+)$", Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "unknown"
