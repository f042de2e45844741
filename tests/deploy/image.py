"""The image, built and run by Podman over a small Debian, because the base of the Dockerfile is in a registry of images."""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.conftest import ROOT

DEBIAN = "bookworm"
PACKAGES = "python3,python3-venv,ca-certificates"
UNPACKED = ("man", "doc", "locale")
"""Folders of /usr/share that the slim images of Debian do not have."""
CREATED = 1_700_000_000
"""The time of the image and of all files that it adds to its base, in Unix seconds."""
CAP_SYS_ADMIN = 1 << 21
CERTIFICATES = "/etc/ssl/certs"
# More than these defaults of Podman may be forbidden to a root without CAP_SYS_RESOURCE.
LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")


def forbidden() -> str | None:
    """Why the kernel does not let this process run containers; None if it does."""
    (held,) = re.findall(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(encoding="utf-8"), re.MULTILINE)
    if int(held, 16) & CAP_SYS_ADMIN:
        return None
    return "mounting the file system of a container needs CAP_SYS_ADMIN, which this process does not have"


def run(*command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program with the umask of a build machine; fails with its output if it fails and ``check`` is set."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, umask=0o022)
    assert not check or done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done


def debian(cache: Path) -> Path:
    """An archive of Debian with ``python`` and ``pip`` in /usr/local, as in the official images of Python; made only once."""
    archive = cache / f"{DEBIAN}.tar"
    if not archive.exists():
        unfinished = archive.with_suffix(".unfinished.tar")
        excluded = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in UNPACKED]
        python = '--customize-hook=chroot "$1" python3 -m venv --symlinks /usr/local'
        options = ["--quiet", "--variant=minbase", f"--include={PACKAGES}", *excluded, python]
        run("mmdebstrap", *options, DEBIAN, unfinished, *_mirror())
        unfinished.rename(archive)
    return archive


def _mirror() -> list[str]:
    """The mirror of this release that apt uses; of another system none, and mmdebstrap uses its own."""
    listed = run("apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages").stdout
    return re.findall(rf"^{DEBIAN} (\S+)$", listed, re.MULTILINE)[:1]


class Podman(NamedTuple):
    """Podman with images and containers of its own in a folder."""

    folder: Path

    def __call__(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of Podman."""
        own = [f"--{name}={self.folder / name}" for name in ("root", "runroot", "tmpdir")]
        # crun refuses a machine with both versions of cgroups.
        return run("podman", *own, "--runtime=runc", "--cgroup-manager=cgroupfs", *arguments, check=check)

    def build(self, context: Path, base: str, wheels: Path, revision: str, *, offline: bool = False) -> str:
        """Build the image of a checkout, without any cache but that of the downloaded wheels; returns its digest.

        With ``offline``, pip asks no index: all wheels must have been downloaded by an earlier build.
        """
        settings = self.folder / "pip.conf"
        settings.write_text("[global]\nno-index = true\nfind-links = /wheels\n" if offline else "", encoding="utf-8")
        arguments = [f"--build-arg=BASE={base}", f"--build-arg=REVISION={revision}", f"--timestamp={CREATED}"]
        # In the format of Docker, Podman writes the name of the container of the build. That of OCI has no HEALTHCHECK.
        how = ["--format=oci", "--isolation=chroot", "--network=host", "--layers=false"]
        # pip must trust what this machine trusts.
        volumes = [
            f"--volume={wheels}:/wheels",
            f"--volume={CERTIFICATES}:{CERTIFICATES}:ro",
            f"--volume={settings}:/etc/pip.conf",
        ]
        image = self("build", "--quiet", *how, *volumes, *arguments, f"--file={ROOT / 'Dockerfile'}", context).stdout.strip()
        return self("inspect", "--format={{.Digest}}", image).stdout.strip()
