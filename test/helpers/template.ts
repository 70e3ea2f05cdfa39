import { readFile } from "node:fs/promises";
import { installedFile } from "../../src/system/installation.ts";

/** Values for the references in the boot scripts. */
export const VALUES = {
  SwarmName: "inet",
  DataVolume: "vol-0123",
  "AWS::Region": "eu-central-1",
  IdleMinutes: "60",
  MaxHours: "24",
  WorkerMarket: "spot",
};

/** The script that a machine runs at its first boot, as CloudFormation puts it together. */
export async function bootScript(
  role: "Manager" | "Worker",
  values: Record<string, string>,
): Promise<string> {
  const template = await readFile(installedFile("cloudformation/swarm.yaml"), "utf8");
  const lines = template.split("\n");
  const resource = lines.findIndex((line) => line === `  ${role}Template:`);
  const start = lines.findIndex((line, index) => index > resource && line.includes("Fn::Base64: !Sub |")) + 1;
  const indent = /^ */.exec(lines[start]!)![0];
  const length = lines.slice(start).findIndex((line) => line !== "" && !line.startsWith(indent));
  const script = lines.slice(start, start + length).map((line) => line.slice(indent.length));
  return script.join("\n").replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
    if (literal === "!") return `\${${name}}`;
    const value = values[name];
    if (value === undefined) throw new Error(`the template refers to ${name}`);
    return value;
  });
}
