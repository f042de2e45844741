"""``python -m exporter`` is ``resource-exporter``."""

import sys


def main() -> int:
    """Run the command line and return the exit code. Ctrl-C prints one line, even while the imports run."""
    try:
        from exporter import cli  # noqa: PLC0415 - imported here so that Ctrl-C is caught: it takes most of a second

        return cli.main()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
