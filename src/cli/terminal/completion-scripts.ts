import { UserError } from "../../errors.ts";

/**
 * Scripts that call the tool, which prints a line for each candidate: the word, a tab, and its description. The line
 * `FILES` asks for file names, which the shell completes itself.
 */
const SCRIPTS: Record<string, (tool: string, name: string) => string> = {
  // bash has `=` as a word of its own, and replaces only what follows it
  bash: (tool, name) => `# completion of ${tool} for bash; in ~/.bashrc: source <(${tool} completion bash)
_${name}() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == $'\\tfiles' ]]; then
      compopt -o default 2>/dev/null
    else
      printf -v line %q "\${line%%$'\\t'*}"
      COMPREPLY+=("\${line//\\\\,/,}") # outside braces, a comma needs no quotes
    fi
  done < <(${tool} __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _${name} ${tool}
`,
  zsh: (tool, name) => `#compdef ${tool}
# completion of ${tool} for zsh; in ~/.zshrc, after compinit: source <(${tool} completion zsh)
_${name}() {
  local line files
  local -a found
  while IFS= read -r line; do
    if [[ $line == $'\\tfiles' ]]; then
      files=1
    else
      found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done < <(${tool} __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  local ret=1
  (( $#found )) && _describe '${tool}' found && ret=0
  if [[ -n $files ]]; then
    [[ $PREFIX == --*=* ]] && compset -P 1 '*='
    _files && ret=0
  fi
  return ret
}
compdef _${name} ${tool}
`,
  fish: (
    tool,
    name,
  ) => `# completion of ${tool} for fish; ${tool} completion fish > ~/.config/fish/completions/${tool}.fish
function __${name}_complete
  for line in (${tool} __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
    if test "$line" = \\tfiles
      __fish_complete_path (commandline -ct)
    else
      printf '%s\\n' $line
    end
  end
end
complete -c ${tool} -f -a '(__${name}_complete)'
`,
};

export const SHELLS = Object.keys(SCRIPTS);

/**
 * Returns the script that adds completion for a tool to a shell.
 * @throws {UserError} for an unsupported shell.
 */
export function completionScript(tool: string, shell: string | undefined): string {
  const script = SCRIPTS[shell ?? ""];
  if (script) return script(tool, tool.replaceAll("-", "_"));
  throw new UserError(shell === undefined ? "no shell given" : `no completion for the shell ${shell}`, {
    hint: `${tool} completion ${SHELLS.join(" | ")}`,
  });
}
