import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { removeStack } from "../../src/providers/docker/stack.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** A docker program that has the services and the network of a stack, whose tasks take some time to end. */
const DOCKER = `#!/bin/sh
while [ "\${1#--}" != "$1" ]; do shift 2; done
echo "$1 $2" >>"$FOLDER/calls"
busy() { echo "Error response from daemon: rpc error: code = FailedPrecondition desc = network n1 is in use by task t1" >&2; exit 1; }
case "$1 $2" in
  "service ls") [ -e "$FOLDER/removed" ] || echo s1 ;;
  "stack rm") touch "$FOLDER/removed"; busy ;;
  "network ls") [ -e "$FOLDER/no-network" ] || echo n1 ;;
  "network rm") [ -e "$FOLDER/ended" ] || { touch "$FOLDER/ended"; busy; }; touch "$FOLDER/no-network" ;;
esac
`;

afterEach(() => vi.unstubAllEnvs());

it("removes the networks of a stack once the tasks that use them have ended", async () => {
  await using folder = await temporaryDirectory();
  await writeFile(path.join(folder.path, "docker"), DOCKER, { mode: 0o755 });
  vi.stubEnv("FOLDER", folder.path);
  vi.stubEnv("PATH", `${folder.path}${path.delimiter}${process.env["PATH"]!}`);
  await removeStack({ host: "unix:///nowhere" }, "swarm-t");
  const calls = (await readFile(path.join(folder.path, "calls"), "utf8")).trimEnd().split("\n");
  expect(calls.filter((call) => call === "stack rm")).toHaveLength(1);
  expect(calls.filter((call) => call === "network rm")).toHaveLength(2);
  await removeStack({ host: "unix:///nowhere" }, "swarm-t"); // nothing is left to remove
});
