import { execFileSync } from "node:child_process";
import path from "node:path";
import { expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import { newUser } from "../helpers/tool.ts";

const BIN = path.resolve(import.meta.dirname, "../../bin/swarm-tool.js");

describeWithService("script", "on a real terminal", () => {
  it.each([60, 100, 200])("of %d columns, no word is broken", async (columns) => {
    await using user = await newUser();
    const env = {
      ...user.env,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_PROFILE: "",
      AWS_ACCESS_KEY_ID: "",
      SWARM_BIN: BIN,
      SWARM_NODE: process.execPath,
    };
    const command = `stty cols ${columns}; "$SWARM_NODE" "$SWARM_BIN" init; "$SWARM_NODE" "$SWARM_BIN" status --json`;
    const printed = execFileSync("script", ["-qec", command, "/dev/null"], { env, cwd: user.directory });
    const lines = printed.toString().trimEnd().split("\r\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(lines.join(" ").replaceAll(/ +/g, " ")).toContain(
      "costs money while it runs; needs an account and",
    );
    expect(lines.at(-1)).toBe("[]");
    const isWrapped = !lines.some((line) =>
      line.includes("costs nothing and uses its processor cores; needs"),
    );
    expect(isWrapped).toBe(columns === 60);
  });
});
