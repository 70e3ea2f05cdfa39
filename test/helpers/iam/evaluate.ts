import { unmetConditions, type Context } from "./condition.ts";
import { matchesPattern, statementsOf, type PolicyDocument, type Statement } from "./policy.ts";

/** A question to IAM: an action on one resource. An API call may consist of several. */
export interface Request {
  /** Such as `ec2:RunInstances`. */
  action: string;
  /** ARN, or `*` for an action that has no resource. */
  resource: string;
  context: Context;
}

/** The policies of a user or role. */
export interface Principal {
  name: string;
  policies: readonly PolicyDocument[];
  /** The permissions boundary; without one, the policies are not restricted. */
  boundary?: PolicyDocument;
}

export interface Verdict {
  decision: "allowed" | "denied explicitly" | "denied implicitly";
  /** The statements that allow it, in the policies and in the boundary. */
  allowedBy: Statement[];
  /** What is missing, if it is denied. */
  missing: string[];
}

/**
 * Decides a request inside an account, without policies of organizations, resources and sessions: an explicit denial
 * has precedence, and both the policies and the boundary must allow it.
 * @see IAM User Guide, "How AWS enforcement code logic evaluates requests to allow or deny access" and "Permissions
 *   boundaries for IAM entities".
 */
export function evaluate(request: Request, { policies, boundary }: Principal): Verdict {
  const own = policies.flatMap(statementsOf);
  const bounding = boundary === undefined ? undefined : statementsOf(boundary);
  const applying = (statements: Statement[]): Statement[] =>
    statements.filter((statement) => lacks(statement, request).length === 0);
  const all = applying([...own, ...(bounding ?? [])]);
  const denying = all.filter(({ Effect }) => Effect === "Deny");
  if (denying.length > 0) {
    const missing = denying.map(({ Sid }) => `denied by the statement ${Sid ?? "?"}`);
    return { decision: "denied explicitly", allowedBy: [], missing };
  }
  const missing = [
    ...(applying(own).length === 0 ? [`policy: ${nearest(own, request)}`] : []),
    ...(bounding !== undefined && applying(bounding).length === 0
      ? [`boundary: ${nearest(bounding, request)}`]
      : []),
  ];
  return {
    decision: missing.length === 0 ? "allowed" : "denied implicitly",
    allowedBy: missing.length === 0 ? all : [],
    missing,
  };
}

/** Returns why a statement does not apply to a request; nothing if it does. */
function lacks({ Action, Resource, Condition }: Statement, { action, resource, context }: Request): string[] {
  if (!coversAction(Action, action)) return ["no statement has the action"];
  if (![Resource].flat().some((pattern) => matchesPattern(pattern, resource)))
    return [`no resource matches ${resource}`];
  return unmetConditions(Condition, context);
}

/** Names of actions do not depend on case. */
export function coversAction(patterns: string | string[], action: string): boolean {
  return [patterns].flat().some((pattern) => matchesPattern(pattern, action, true));
}

/** Returns what the statements with the action lack. */
function nearest(statements: Statement[], request: Request): string {
  const allowing = statements.filter(
    ({ Effect, Action }) => Effect === "Allow" && coversAction(Action, request.action),
  );
  if (allowing.length === 0) return "no statement has the action";
  return allowing.map((each) => `${each.Sid ?? "?"} needs ${lacks(each, request).join(" and ")}`).join("; ");
}
