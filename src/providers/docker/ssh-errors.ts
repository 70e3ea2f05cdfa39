import { UserError } from "../../errors.ts";

/**
 * What went wrong on the way to a Docker that is reached over ssh; undefined if it is something else.
 * @param host as `docker --host` takes it: `ssh://user@machine`.
 * @param text what the docker program says. A banner of the machine may be part of it.
 */
export function explainSsh(host: string, text: string): UserError | undefined {
  const [, status, said = ""] = /exited with exit status (\d+)[^]*?stderr=([^]*)/.exec(text) ?? [];
  const reason = said.trim().split("\n").at(-1)?.trim() ?? "";
  const { user, machine, ssh } = parseHost(host);
  if (status === "127" || /docker: (command )?not found|docker: No such file/i.test(said)) {
    return new UserError(`${machine} has no docker program for ${user === "" ? "this user" : user}`, {
      hint: `install Docker there, or add it to the PATH of commands run over ssh: ${ssh} docker version`,
    });
  }
  if (/malformed HTTP/i.test(text)) {
    const printed = /malformed HTTP (?:response|status code|version) "(.*)"/.exec(text)?.[1] ?? "";
    return new UserError(
      `${machine} prints extra output when a command is run over ssh, which docker cannot read: ${printed}`,
      {
        hint: `change its shell start-up files to print only in a terminal; this must print nothing: ${ssh} true`,
      },
    );
  }
  if (status === "255") {
    return new UserError(`ssh cannot connect to ${machine}: ${reason}`, {
      hint: `this must work without a prompt first: ${ssh} docker version`,
    });
  }
  return undefined;
}

function parseHost(host: string): { user: string; machine: string; ssh: string } {
  const target = host.replace(/^ssh:\/\//, "").replace(/\/$/, "");
  const [, user = "", machine = target, port] = /^(?:(.+)@)?(.+?)(?::(\d+))?$/.exec(target) ?? [];
  const ssh = ["ssh", ...(port ? ["-p", port] : []), user === "" ? machine : `${user}@${machine}`].join(" ");
  return { user, machine, ssh };
}
