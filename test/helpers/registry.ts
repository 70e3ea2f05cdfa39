import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { vi } from "vitest";
import { findProgram } from "../../scripts/setup.js";
import type { AwsNetwork } from "./aws-network.ts";
import { end, inNamespaces } from "./namespaces.ts";
import { temporaryDirectory } from "./temporary.ts";

/** An image registry on a machine of its own. */
export interface Registry extends AsyncDisposable {
  /** As a prefix of image names: `10.1.2.9:5000`. */
  name: string;
  /** Tags of an image; none if it does not exist. */
  tags(image: string): Promise<string[]>;
  /** The requests since it started, one a line: `PUT /v2/…`. */
  requests(): string[];
}

export const REGISTRY_PORT = 5000;
const run = promisify(execFile);

/** Starts Debian's docker-registry. @param login `USER:HASH` as htpasswd(1) writes it, if it needs a login. */
export async function startRegistry(network: AwsNetwork, address: string, login?: string): Promise<Registry> {
  const folder = await temporaryDirectory("swarm-registry-");
  const file = path.join(folder.path, "config.yml");
  await mkdir(path.join(folder.path, "data"));
  if (login !== undefined) await writeFile(path.join(folder.path, "htpasswd"), `${login}\n`);
  await writeFile(file, configuration(folder.path, address, login !== undefined));
  const script = 'ip link set lo up; read -r _; exec "$@" 2>&1';
  const command = ["sh", "-c", script, "sh", findProgram("docker-registry")!, "serve", file];
  const server = inNamespaces(["--net"], command, "pipe");
  let log = "";
  server.stderr!.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const ask = async (url: string): Promise<string> => {
    const enter = ["--target", String(server.pid), "--net", "curl", "--silent", "--show-error"];
    const { stdout } = await run("nsenter", [...enter, `http://${address}:${REGISTRY_PORT}${url}`]);
    return stdout;
  };
  const dispose = async (): Promise<void> => {
    await end(server);
    await folder[Symbol.asyncDispose]();
  };
  try {
    await network.plug(server.pid!, address);
    server.stdin!.write("\n");
    await vi.waitFor(() => ask("/v2/"), { timeout: 20_000, interval: 50 }); // it answers, if only with a refusal
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    name: `${address}:${REGISTRY_PORT}`,
    async tags(image) {
      const answer = await ask(`/v2/${image}/tags/list`);
      return (JSON.parse(answer) as { tags?: string[] }).tags ?? [];
    },
    requests: () =>
      [...log.matchAll(/"((?:GET|HEAD|POST|PUT|PATCH|DELETE) \S+) HTTP/g)].map(([, text]) => text!),
    [Symbol.asyncDispose]: dispose,
  };
}

function configuration(folder: string, address: string, needsLogin: boolean): string {
  const auth = needsLogin ? `auth: { htpasswd: { realm: tests, path: ${folder}/htpasswd } }\n` : "";
  return `version: 0.1
log: { level: warn, accesslog: { disabled: false } }
storage: { filesystem: { rootdirectory: ${folder}/data } }
http: { addr: "${address}:${REGISTRY_PORT}" }
${auth}`;
}
