import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../bin", import.meta.url));
const TOOLS = ["runall-swarm", "swarm-tool"] as const;

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** An interactive shell in which both tools only print their arguments, except when they are asked for candidates. */
interface Start {
  command: (rc: string) => string;
  rcName: string;
  rc: string;
}

const tool = (name: string): string => `"$TEST_NODE" "${BIN}/${name}.js"`;

const POSIX = TOOLS.map(
  (name) =>
    `${name}() { if [ "$1" = __complete ]; then ${tool(name)} "$@"; else printf 'ran:'; printf '<%s>' "$@"; printf ':end\\n'; fi; }`,
);
const FISH = TOOLS.map(
  (name) => `function ${name}
  if test "$argv[1]" = __complete
    ${tool(name)} $argv
  else
    printf 'ran:'; printf '<%s>' $argv; printf ':end\\n'
  end
end`,
);

const STARTS: Record<Shell, Start> = {
  bash: {
    command: (rc) => `exec bash --noprofile --rcfile '${rc}' -i`,
    rcName: "bashrc",
    rc: [
      ...POSIX,
      ...TOOLS.map((name) => `source <(${tool(name)} completion bash)`),
      "PS1='READY> '",
      "bind 'set enable-bracketed-paste off'",
      "",
    ].join("\n"),
  },
  zsh: {
    command: () => "exec zsh --no-globalrcs -i",
    rcName: ".zshrc",
    rc: [
      "autoload -Uz compinit && compinit -D -u",
      ...POSIX,
      ...TOOLS.map((name) => `source <(${tool(name)} completion zsh)`),
      "unset zle_bracketed_paste",
      "PS1='READY> '",
      "",
    ].join("\n"),
  },
  fish: {
    command: (rc) => `exec fish --no-config -i -C "source '${rc}'"`,
    rcName: "config.fish",
    rc: [
      ...FISH,
      ...TOOLS.map((name) => `${tool(name)} completion fish | source`),
      "function fish_prompt; echo -n 'READY> '; end",
      "",
    ].join("\n"),
  },
};

/**
 * Types a line in an interactive shell on a terminal, presses Tab and then Enter.
 * @returns the arguments with which the tool was called.
 */
export async function completeIn(
  shell: Shell,
  line: string,
  { folder, cwd, env }: { folder: string; cwd: string; env: NodeJS.ProcessEnv },
): Promise<string[]> {
  const { command, rcName, rc } = STARTS[shell];
  const rcFolder = path.join(folder, `rc-${shell}`);
  await mkdir(rcFolder, { recursive: true });
  const rcFile = path.join(rcFolder, rcName);
  await writeFile(rcFile, rc);
  const child = spawn("script", ["-qfec", command(rcFile), "/dev/null"], {
    cwd,
    env: { ...env, TERM: "dumb", ZDOTDIR: rcFolder, TEST_NODE: process.execPath, HISTFILE: "" },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const closed = once(child, "close");
  let printed = "";
  let hasTyped = false;
  try {
    for await (const piece of child.stdout) {
      printed += String(piece);
      if (!hasTyped && printed.includes("READY> ")) {
        hasTyped = true;
        child.stdin.write(`${line}\t\n`);
      }
      const [, args] = /ran:<(.*)>:end/.exec(printed) ?? [];
      if (args !== undefined) return args.split("><");
    }
    throw new Error(`${shell} has ended: ${printed}`);
  } finally {
    child.kill("SIGKILL");
    await closed;
  }
}
