import { beforeAll, expect, it } from "vitest";
import { describeWithPythonTools } from "../helpers/emulator.ts";
import {
  authorizationReference,
  privilegeOf,
  type AuthorizationReference,
} from "../helpers/iam/authorization-reference.ts";
import { requestsOf } from "../helpers/iam/calls.ts";
import { DISGUISES, ESCALATIONS, MACHINE_ESCALATIONS, type Escalation } from "../helpers/iam/escalations.ts";
import { evaluate, type Principal } from "../helpers/iam/evaluate.ts";
import { type PolicyDocument } from "../helpers/iam/policy.ts";
import { ACCOUNT, swarmAccount, type SwarmAccount } from "../helpers/iam/swarm-account.ts";

describeWithPythonTools("the policies of a swarm", () => {
  let account: SwarmAccount;
  let reference: AuthorizationReference;
  beforeAll(async () => {
    account = await swarmAccount();
    reference = authorizationReference();
  });

  /** Whether each step of a way is allowed, in one of the disguises. */
  const succeeds = ({ steps, disguises = DISGUISES }: Escalation, principal: Principal): boolean =>
    steps.every((step) =>
      disguises.some((disguise) => {
        const call = { ...step, origin: "escalation", context: { ...disguise, ...step.context } };
        return requestsOf(reference, call).every(
          (request) => evaluate(request, principal).decision === "allowed",
        );
      }),
    );

  it.each(ESCALATIONS)("do not permit $name", (escalation) => {
    for (const { action } of escalation.steps) privilegeOf(reference, action);
    for (const principal of [account.user, account.roles.Manager, account.roles.Worker])
      expect(succeeds(escalation, principal), principal.name).toBe(false);
  });

  it.each(MACHINE_ESCALATIONS)("do not permit to a machine $name", (escalation) => {
    for (const principal of [account.roles.Manager, account.roles.Worker])
      expect(succeeds(escalation, principal), principal.name).toBe(false);
  });

  it("would permit most of them to an administrator", () => {
    const all: PolicyDocument = { Statement: { Effect: "Allow", Action: "*", Resource: "*" } };
    for (const escalation of [...ESCALATIONS, ...MACHINE_ESCALATIONS])
      expect(succeeds(escalation, { name: "administrator", policies: [all] })).toBe(true);
  });

  /** Actions by which AWS says that rights change, on resources of others, with whatever a user may add. */
  it("permit no other action of AWS that manages permissions", () => {
    const found = Object.entries(reference).flatMap(([service, { privileges, resources }]) =>
      Object.keys(privileges)
        .filter((name) => privileges[name]!.access_level === "Permissions management")
        .flatMap((name) => {
          const types = Object.keys(privileges[name]!.resource_types);
          const foreign = types.map((type) => ({ type, arn: exampleArn(resources[type]?.arn), tags: {} }));
          return foreign
            .filter((each) => succeeds(one(`${service}:${name}`, each), account.user))
            .map(() => `${service}:${name}`);
        }),
    );
    expect(found).toEqual([]);
  });
});

const one = (action: string, resource: Escalation["steps"][number]["resources"][number]): Escalation => ({
  name: action,
  steps: [{ action, resources: resource.arn === "*" ? [] : [resource], context: {} }],
});

/** Returns an ARN of the form that AWS documents, with names of others. */
function exampleArn(format = "*"): string {
  return format
    .replace("${Partition}", "aws")
    .replace("${Region}", "eu-central-1")
    .replace("${Account}", ACCOUNT)
    .replaceAll(/\$\{\w+\}/g, "foreign");
}
