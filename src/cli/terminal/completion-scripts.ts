import { UserError } from "../../errors.ts";

/** Scripts that call the tool, which prints a line for each candidate: the word, a tab, and its description. */
const SCRIPTS: Record<string, (tool: string, name: string) => string> = {
  bash: (tool, name) => `# completion of ${tool} for bash; in ~/.bashrc: source <(${tool} completion bash)
_${name}() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(${tool} __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _${name} ${tool}
`,
  zsh: (tool, name) => `#compdef ${tool}
# completion of ${tool} for zsh; in ~/.zshrc, after compinit: source <(${tool} completion zsh)
_${name}() {
  local line
  local -a found
  while IFS= read -r line; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(${tool} __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( $#found )) && _describe '${tool}' found || _files
}
compdef _${name} ${tool}
`,
  fish: (
    tool,
  ) => `# completion of ${tool} for fish; ${tool} completion fish > ~/.config/fish/completions/${tool}.fish
complete -c ${tool} -a '(${tool} __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
};

const SHELLS = Object.keys(SCRIPTS);

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
