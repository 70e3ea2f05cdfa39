import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { policyFor } from "../../src/providers/aws/account.ts";
import { installedFile } from "../../src/system/installation.ts";
import { runProgram } from "../../src/system/program.ts";
import { describeWithPythonTools, pythonTool } from "../helpers/emulator.ts";
import { bootScript, VALUES } from "../helpers/template.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const TEMPLATE = installedFile("cloudformation/swarm.yaml");
/** AWS's limit for the user data of a machine, before it is encoded. */
const USER_DATA_BYTES = 16_384;
/** AWS's limit for a managed policy, not counting white space. */
const POLICY_CHARACTERS = 6144;

describeWithPythonTools("cloudformation/swarm.yaml", () => {
  it("passes cfn-lint", async () => {
    const args = ["--regions", "us-east-1", "eu-central-1", "--", TEMPLATE];
    expect(await runProgram(pythonTool("cfn-lint"), args)).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  it.each(["Manager", "Worker"] as const)(
    "has a boot script for the %s that passes bash and shellcheck",
    async (role) => {
      await using folder = await temporaryDirectory();
      const file = path.join(folder.path, "boot.sh");
      const script = await bootScript(role, VALUES);
      expect(Buffer.byteLength(script)).toBeLessThan(USER_DATA_BYTES);
      expect(written(script)).toHaveLength(role === "Manager" ? 2 : 3);
      for (const part of [script, ...written(script)]) {
        await writeFile(file, part);
        expect(await runProgram("bash", ["-n", file])).toMatchObject({ exitCode: 0, stderr: "" });
        expect(await runProgram(pythonTool("shellcheck"), [file])).toMatchObject({ exitCode: 0, stdout: "" });
      }
    },
  );
});

/** The scripts that a script writes to files. */
function written(script: string): string[] {
  return [...script.matchAll(/<<'END'\n([\s\S]*?\n)END\n/g)].map((match) => match[1]!);
}

describe("cloudformation/swarm.yaml", () => {
  it("follows the decisions that hold for every swarm", async () => {
    const text = await readFile(TEMPLATE, "utf8");
    expect(Buffer.byteLength(text)).toBeLessThan(51_200);
    expect(text.match(/MinSize: .*/g)).toEqual(['MinSize: "0"', 'MinSize: "0"']);
    expect(text.match(/HttpTokens: required/g)).toHaveLength(2);
    expect(text.match(/HttpPutResponseHopLimit: 1\b/g)).toHaveLength(2);
    expect(text.match(/Encrypted: true/g)).toHaveLength(3);
    expect(text.match(/0\.0\.0\.0\/0/g)).toHaveLength(1); // the route to the internet
    expect(text.match(/Type: AWS::IAM::Role/g)).toHaveLength(2);
    expect(text.match(/PermissionsBoundary: .*:policy\/inet-swarm"/g)).toHaveLength(2);
  });
});

interface Statement {
  Sid: string;
  Action: string | string[];
  Resource: string | string[];
  Condition?: unknown;
}

describe("the IAM policy", () => {
  const statements = async (): Promise<Statement[]> => {
    const text = await policyFor({ id: "123456789012", user: "arn:aws:iam" });
    expect(JSON.stringify(JSON.parse(text)).length).toBeLessThan(POLICY_CHARACTERS);
    return (JSON.parse(text) as { Statement: Statement[] }).Statement;
  };

  it("has the ARNs and service names of the account's partition", async () => {
    const china = await policyFor({ id: "123456789012", user: "arn:aws-cn:iam::123456789012:user/u" });
    expect(china).not.toContain("arn:aws:");
    expect(china).toContain('"iam:PassedToService": "ec2.amazonaws.com.cn"');
    const government = await policyFor({
      id: "123456789012",
      user: "arn:aws-us-gov:iam::123456789012:user/u",
    });
    expect(government).toContain('"arn:aws-us-gov:iam::123456789012:policy/inet-swarm"');
    expect(government).toContain('"iam:PassedToService": "ec2.amazonaws.com"');
  });

  it("fits AWS's size limit, and names the account", async () => {
    expect(JSON.stringify(await statements())).not.toContain("ACCOUNT");
  });

  it("lets its user create only roles that have no more rights than the user", async () => {
    const all = await statements();
    const changing =
      /^iam:(Create|Put|Attach|Detach|Update|Set|Pass|Delete).*(Role|Policy|User|AccessKey|Boundary)/;
    const dangerous = all.filter(({ Action }) => [Action].flat().some((action) => changing.test(action)));
    expect(dangerous.map(({ Sid }) => Sid)).toEqual(["BoundedRoles", "Roles", "Pass", "ServiceRole"]);
    for (const { Sid, Resource } of dangerous) {
      for (const resource of [Resource].flat())
        expect(resource, Sid).toMatch(/:(role|instance-profile)\/(swarm|aws-service-role)\/\*$/);
    }
    const bounded = all.find(({ Sid }) => Sid === "BoundedRoles");
    expect(bounded?.Condition).toEqual({
      StringEquals: { "iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/inet-swarm" },
    });
    expect(bounded?.Action).toEqual(["iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy"]);
    const everything = all.flatMap(({ Action }) => Action).filter((action) => /(^|:)\*$/.test(action));
    expect(everything).toEqual([]);
  });

  it("lets its user change only what belongs to the swarm", async () => {
    for (const { Sid, Action, Resource, Condition } of await statements()) {
      const changes = [Action].flat().filter((action) => !/:(Describe|Get|List|Validate)/.test(action));
      if (changes.length === 0 || Condition !== undefined || Sid === "Create") continue;
      for (const resource of [Resource].flat()) expect(resource, Sid).toMatch(/swarm/);
    }
  });
});
