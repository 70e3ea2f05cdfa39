import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { hasPythonTools, pythonTools } from "../../scripts/python-tools.js";
import { connectToAws, type AwsClients } from "../../src/providers/aws/clients.ts";

export const REGION = "eu-central-1";

/** AWS's emulator, empty at first. */
export interface Emulator extends AsyncDisposable {
  url: string;
  /** The environment variables with which a user's tools connect to it. */
  env: Record<string, string>;
  clients: AwsClients;
  /** The calls that have reached it, as `Service.Action`, without repetitions. */
  calls(): Promise<string[]>;
}

/** Checks permissions only after so many calls; moto's own default is never. */
export async function startEmulator(options: { checkedAfter?: number } = {}): Promise<Emulator> {
  const script = fileURLToPath(new URL("emulator.py", import.meta.url));
  const server = spawn(python(), ["-u", script, "0"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      ...process.env,
      ...(options.checkedAfter !== undefined && {
        INITIAL_NO_AUTH_ACTION_COUNT: String(options.checkedAfter),
      }),
    },
  });
  const exited = once(server, "exit");
  const output: string[] = [];
  const lines = createInterface({ input: server.stderr });
  const url = await new Promise<string>((resolve, reject) => {
    lines.on("line", (line) => {
      output.push(line);
      const found = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    void exited.then(() => reject(new Error(`the emulator ended: ${output.slice(-5).join("\n")}`)));
  });
  const env = {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: "testing",
    AWS_SECRET_ACCESS_KEY: "testing",
    AWS_EC2_METADATA_DISABLED: "true",
  };
  const clients = await connectForTests(env);
  return {
    url,
    env,
    clients,
    async calls() {
      const response = await fetch(`${url}/moto-api/recorder/download-recording`);
      return (await response.text()).split("\n");
    },
    async [Symbol.asyncDispose]() {
      clients[Symbol.dispose]();
      server.kill();
      await exited;
    },
  };
}

/** The SDK reads its endpoint and keys from this process's environment when a client first needs them. */
async function connectForTests(env: Record<string, string>): Promise<AwsClients> {
  Object.assign(process.env, env);
  return await connectToAws({});
}

function python(): string {
  return path.join(pythonTools(), "bin", "python3");
}

/** A program from PyPI. */
export function pythonTool(name: string): string {
  return path.join(pythonTools(), "bin", name);
}

/** Tests that need something from PyPI: skipped with a warning without it, a failure under REQUIRE_SERVICES=1. */
export function describeWithPythonTools(name: string, body: () => void): void {
  if (hasPythonTools()) return void describe(name, body);
  const reason = "the tools from PyPI are missing: npm test installs them, with python3 and its module venv";
  if (process.env["REQUIRE_SERVICES"] === "1") {
    describe(name, () => {
      it("finds the tools from PyPI", () => expect.fail(reason));
    });
    return;
  }
  console.warn(`SKIPPED tests: ${reason}`);
  describe.skip(name, body);
}
