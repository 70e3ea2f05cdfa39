import { describe, expect, it } from "vitest";
import { unmetConditions, type Context } from "../helpers/iam/condition.ts";
import { evaluate, type Principal, type Request } from "../helpers/iam/evaluate.ts";
import {
  matchesArn,
  statementsOf,
  type Conditions,
  type PolicyDocument,
  type Statement,
} from "../helpers/iam/policy.ts";

/** Known cases of IAM's documentation (IAM User Guide), which the evaluator must reproduce. */
describe("the evaluator of IAM policies", () => {
  const allow = (more: Partial<Statement> = {}): PolicyDocument => ({
    Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*", ...more }],
  });
  const deny = (more: Partial<Statement> = {}): PolicyDocument => ({
    Statement: { Effect: "Deny", Action: "*", Resource: "*", ...more },
  });
  const decide = (principal: Omit<Principal, "name">, request: Partial<Request> = {}): string =>
    evaluate(
      { action: "s3:GetObject", resource: "arn:aws:s3:::carlossalazar-logs", context: {}, ...request },
      { name: "test", ...principal },
    ).decision;

  /** "Policy evaluation logic": implicit denial by default, which an explicit allow overrides, and an explicit denial it. */
  it("denies by default, and lets a denial have precedence", () => {
    expect(decide({ policies: [] })).toBe("denied implicitly");
    expect(decide({ policies: [allow()] })).toBe("allowed");
    expect(decide({ policies: [allow(), deny()] })).toBe("denied explicitly");
    expect(decide({ policies: [allow(), deny({ Resource: "arn:aws:s3:::other" })] })).toBe("allowed");
  });

  /** "The difference between explicit and implicit denies", "Example policy evaluation": carlossalazar-logs. */
  it("decides the documented example of the bucket with the logs", () => {
    const policies: PolicyDocument[] = [
      {
        Statement: [
          {
            Sid: "AllowS3ListRead",
            Effect: "Allow",
            Action: ["s3:GetBucketLocation", "s3:ListAllMyBuckets"],
            Resource: "arn:aws:s3:::*",
          },
          {
            Sid: "AllowS3Self",
            Effect: "Allow",
            Action: "s3:*",
            Resource: ["arn:aws:s3:::carlossalazar/*", "arn:aws:s3:::carlossalazar"],
          },
          { Sid: "DenyS3Logs", Effect: "Deny", Action: "s3:*", Resource: "arn:aws:s3:::*log*" },
        ],
      },
    ];
    expect(decide({ policies }, { resource: "arn:aws:s3:::carlossalazar/file" })).toBe("allowed");
    expect(decide({ policies }, { resource: "arn:aws:s3:::carlossalazar/log.txt" })).toBe(
      "denied explicitly",
    );
    expect(decide({ policies }, { resource: "arn:aws:s3:::other" })).toBe("denied implicitly");
  });

  /** "Permissions boundaries for IAM entities", "Example of a permissions boundary": ShirleyRodriguez. */
  it("allows only what both policies and boundary allow", () => {
    const boundary: PolicyDocument = {
      Statement: [{ Effect: "Allow", Action: ["s3:*", "cloudwatch:*", "ec2:*"], Resource: "*" }],
    };
    const policies = [allow({ Action: "iam:CreateUser" })];
    expect(decide({ policies, boundary }, { action: "iam:CreateUser", resource: "*" })).toBe(
      "denied implicitly",
    );
    expect(decide({ policies, boundary }, { action: "s3:GetObject" })).toBe("denied implicitly");
    expect(decide({ policies: [allow()], boundary })).toBe("allowed");
    expect(
      decide({
        policies: [allow()],
        boundary: { Statement: [...statementsOf(boundary), ...statementsOf(deny())] },
      }),
    ).toBe("denied explicitly");
  });

  const context: Context = {
    "aws:RequestTag/environment": "preprod",
    "aws:TagKeys": ["environment", "CostCenter"],
    "aws:PrincipalArn": "arn:aws:iam::123456789012:user/jane",
    "aws:MultiFactorAuthPresent": "true",
    "s3:prefix": "David/Photos",
  };
  const met = (conditions: Conditions): boolean => unmetConditions(conditions, context).length === 0;

  /** "Condition operators"; "Conditions with multiple context keys or values"; "Multivalued context keys". */
  it.each<[string, Conditions, boolean]>([
    [
      "the values of a key by OR",
      { StringEquals: { "aws:RequestTag/environment": ["preprod", "production"] } },
      true,
    ],
    [
      "the keys of an operator by AND",
      { StringEquals: { "aws:RequestTag/environment": "preprod", "s3:prefix": "other" } },
      false,
    ],
    [
      "the operators by AND",
      { StringEquals: { "s3:prefix": "David/Photos" }, Bool: { "aws:MultiFactorAuthPresent": "false" } },
      false,
    ],
    [
      "negated values by NOR",
      { StringNotEquals: { "aws:RequestTag/environment": ["preprod", "production"] } },
      false,
    ],
    ["names of keys without case", { StringEquals: { "AWS:requesttag/Environment": "preprod" } }, true],
    ["values with case", { StringEquals: { "aws:RequestTag/environment": "Preprod" } }, false],
    ["values without case", { StringEqualsIgnoreCase: { "aws:RequestTag/environment": "Preprod" } }, true],
    ["no wildcards in StringEquals", { StringEquals: { "s3:prefix": "David/*" } }, false],
    ["wildcards in StringLike", { StringLike: { "s3:prefix": ["Home/*", "David/Ph?tos"] } }, true],
    ["a missing key as not matching", { StringLike: { "aws:ResourceTag/x": "*" } }, false],
    ["a missing key as matching if negated", { StringNotLike: { "aws:ResourceTag/x": "*" } }, true],
    ["a missing key as matching with IfExists", { StringEqualsIfExists: { "aws:ResourceTag/x": "y" } }, true],
    ["an existing key despite IfExists", { StringEqualsIfExists: { "s3:prefix": "y" } }, false],
    ["Null true for a missing key", { Null: { "aws:TokenIssueTime": "true" } }, true],
    ["Null false for a missing key", { Null: { "aws:TokenIssueTime": "false" } }, false],
    ["Null false for an existing key", { Null: { "s3:prefix": "false" } }, true],
    [
      "ForAllValues: each value of the request",
      { "ForAllValues:StringEquals": { "aws:TagKeys": ["environment"] } },
      false,
    ],
    [
      "ForAllValues: more values in the policy",
      { "ForAllValues:StringEquals": { "aws:TagKeys": ["environment", "CostCenter", "x"] } },
      true,
    ],
    ["ForAllValues: a missing key", { "ForAllValues:StringEquals": { "aws:CalledVia": ["x"] } }, true],
    [
      "ForAnyValue: one value of the request",
      { "ForAnyValue:StringEquals": { "aws:TagKeys": ["environment", "webserver"] } },
      true,
    ],
    ["ForAnyValue: a missing key", { "ForAnyValue:StringEquals": { "aws:CalledVia": ["x"] } }, false],
    ["ArnLike with wildcards in a part", { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:user/*" } }, true],
    [
      "ArnEquals like ArnLike",
      { ArnEquals: { "aws:PrincipalArn": "arn:aws:iam::123456789012:user/j*" } },
      true,
    ],
  ])("evaluates %s", (_, conditions, expected) => {
    expect(met(conditions)).toBe(expected);
  });

  /** "ARN condition operators": "Each of the six colon-delimited components of the ARN is checked separately". */
  it("does not let a wildcard of an ARN condition extend beyond a colon", () => {
    expect(matchesArn("arn:aws:iam::*", "arn:aws:iam::123456789012:user/jane")).toBe(false);
    expect(matchesArn("arn:aws:cloudwatch:*:*:alarm:swarm-*", "arn:aws:cloudwatch:x:1:alarm:swarm-a:b")).toBe(
      true,
    );
  });

  it("refuses what it does not model, instead of deciding wrongly", () => {
    expect(() => met({ NumericLessThan: { "s3:max-keys": "10" } })).toThrow("NumericLessThan");
    const document = {
      Statement: { Effect: "Allow", NotAction: "iam:*", Resource: "*" },
    } as unknown as PolicyDocument;
    expect(() => statementsOf(document)).toThrow("NotAction");
  });

  it("says what is missing", () => {
    const policies = [
      allow({ Sid: "Tagged", Condition: { StringLike: { "aws:ResourceTag/swarm-tool": "*" } } }),
    ];
    const request = { action: "s3:GetObject", resource: "*", context: {} };
    const name = "test";
    expect(evaluate(request, { name, policies }).missing).toEqual([
      "policy: Tagged needs StringLike aws:ResourceTag/swarm-tool *",
    ]);
    expect(evaluate({ ...request, action: "ec2:RunInstances" }, { name, policies }).missing).toEqual([
      "policy: no statement has the action",
    ]);
    expect(
      evaluate(request, { name, policies: [allow()], boundary: allow({ Sid: "B", Resource: "a" }) }).missing,
    ).toEqual(["boundary: B needs no resource matches *"]);
  });
});
