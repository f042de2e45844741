"""Scripts that complete commands, flags and files in a shell."""

from exporter.flags import Parser

SHELLS = ("bash", "zsh", "fish")
# Bash gives --config.file=VALUE to a completion as three words, and shtab expects the two of --config.file VALUE.
_EQUALS = """
_resource_exporter() {
  local -a words=()
  local index current=$COMP_CWORD
  for index in "${!COMP_WORDS[@]}"; do
    if [[ ${COMP_WORDS[index]} != = ]]; then
      words+=("${COMP_WORDS[index]}")
    elif ((index < COMP_CWORD)); then
      ((current -= 1))
    else
      words+=("")
    fi
  done
  local -a COMP_WORDS=("${words[@]}")
  local COMP_CWORD=$current
  _shtab_resource_exporter
}
complete -o bashdefault -F _resource_exporter resource-exporter
"""


def script(parser: Parser, shell: str) -> str:
    """The completion script of one of ``SHELLS``."""
    import shtab  # noqa: PLC0415 - the other commands do not need it

    return f"{shtab.complete(parser, shell)}\n{_EQUALS if shell == 'bash' else ''}"
