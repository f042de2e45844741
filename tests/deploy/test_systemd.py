"""The systemd unit: it is hardened, and its paths are those that docs/operations.md creates."""

import re
from pathlib import Path

from exporter.cli import _parser
from exporter.config import load
from tests.conftest import ROOT

UNIT = ROOT / "deploy/systemd/resource-exporter.service"
PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
(DROP_IN,) = re.findall(r"^```ini\n(\[Service\]\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
WEB = (ROOT / "docs/web.md").read_text(encoding="utf-8")
LINES = [line.partition("=")[::2] for line in UNIT.read_text(encoding="utf-8").splitlines() if re.match(r"[A-Z]", line)]
SETTINGS = dict(LINES)
SANDBOX = {
    "DynamicUser": "yes",
    "CapabilityBoundingSet": "",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "PrivateUsers": "yes",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "RemoveIPC": "yes",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "SystemCallArchitectures": "native",
    "SystemCallErrorNumber": "EPERM",
    "StateDirectoryMode": "0700",
    "UMask": "0077",
    "LimitCORE": "0",
    "MemoryMax": "512M",
    "TasksMax": "64",
}


def test_it_is_sandboxed() -> None:
    assert SETTINGS.items() >= SANDBOX.items()
    assert [value for key, value in LINES if key == "SystemCallFilter"] == ["@system-service", "~@privileged @resources"]


def test_no_setting_is_repeated_unless_it_is_a_list() -> None:
    keys = [key for key, _ in LINES if key != "SystemCallFilter"]
    assert len(keys) == len(set(keys))


def test_it_runs_the_exporter_with_valid_flags_and_reloads_it_with_sighup() -> None:
    program, *arguments = SETTINGS["ExecStart"].split()
    assert program == "/opt/resource-exporter/bin/resource-exporter"
    assert _parser().parse_args(arguments).config_file == Path("/etc/resource-exporter/config.yml")
    assert SETTINGS["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert SETTINGS["Restart"] == "always"


def test_the_configuration_of_the_page_uses_what_the_unit_provides(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```yaml\n(databases:.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "config.yml").write_text(text)
    config = load(tmp_path / "config.yml")
    (database,) = config.databases.values()
    name, source = SETTINGS["LoadCredential"].split(":")
    assert database.dsn_file == Path("/run/credentials") / UNIT.name / name
    assert config.state.path.parent == Path("/var/lib") / SETTINGS["StateDirectory"]
    assert f"sudo install -m 600 {name} {source} " in PAGE


def test_the_files_of_the_web_configuration_are_in_one_directory() -> None:
    settings = [line.split("=", 1) for line in DROP_IN.splitlines()[1:]]
    sources = [value for key, value in settings if key == "LoadCredential"]
    names = ["web.yml", *re.findall(r"^  (?:cert|key)_file: (\S+)$", WEB, re.MULTILINE)[:2]]
    assert sources == [f"{name}:/etc/resource-exporter/{name}" for name in names]
    assert f"sudo install -m 600 -t /etc/resource-exporter {' '.join(names)}\n" in PAGE
    variable = f"RESOURCE_EXPORTER_WEB_CONFIG_FILE=/run/credentials/{UNIT.name}/{names[0]}"
    assert ["Environment", variable] in settings


def test_the_page_installs_to_the_paths_of_the_unit() -> None:
    (commands,) = re.findall(r"^```sh\n(pip wheel .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    program, *_ = SETTINGS["ExecStart"].split()
    assert f"python3.11 -m venv {Path(program).parent.parent}\n" in commands
    assert f"install -m 644 {UNIT.relative_to(ROOT)} /etc/systemd/system/\n" in commands
    assert "install -m 644 config.yml /etc/resource-exporter/config.yml\n" in commands
