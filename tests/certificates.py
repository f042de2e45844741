"""Certificates made with the ``openssl`` command; each is valid for two days."""

import subprocess
from pathlib import Path


def issue(directory: Path, name: str, signer: str | None = None, password: str | None = None) -> None:
    """Write ``name.crt`` and ``name.key`` for 127.0.0.1, self-signed unless the signer is another name."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    signed = ["-CA", f"{signer}.crt", "-CAkey", f"{signer}.key"] if signer else []
    files = ["-out", f"{name}.crt", "-keyout", f"{name}.key"]
    locked = ["-passout", f"pass:{password}"] if password else ["-noenc"]
    subprocess.run([*command, *subject, *signed, *files, *locked], cwd=directory, check=True, capture_output=True)


def renew(directory: Path, name: str, source: Path) -> None:
    """Replace the certificate and the key of that name with those of the source, a path without suffix."""
    for suffix in (".key", ".crt"):
        (directory / name).with_suffix(suffix).write_bytes(source.with_suffix(suffix).read_bytes())
