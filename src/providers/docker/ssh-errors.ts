import { UserError } from "../../errors.ts";

/**
 * Returns an error of ssh, when a Docker is reached over ssh, as an error with a hint; undefined for any other error.
 * @param host value of `docker --host`: `ssh://user@machine`.
 * @param text error output of the docker program, which may contain a banner of the machine.
 */
export function explainSsh(host: string, text: string): UserError | undefined {
  const [, status, output = ""] = /exited with exit status (\d+)[^]*?stderr=([^]*)/.exec(text) ?? [];
  const reason = output.trim().split("\n").at(-1)?.trim() ?? "";
  const target = host.replace(/^ssh:\/\//, "").replace(/\/$/, "");
  const [, user = "", machine = target, port] = /^(?:(.+)@)?(.+?)(?::(\d+))?$/.exec(target) ?? [];
  const ssh = ["ssh", ...(port ? ["-p", port] : []), user === "" ? machine : `${user}@${machine}`].join(" ");
  if (status === "127" || /docker: (command )?not found|docker: No such file/i.test(output)) {
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
