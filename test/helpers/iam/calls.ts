import { privilegeOf, supportsKey, type AuthorizationReference } from "./authorization-reference.ts";
import type { Context } from "./condition.ts";
import { evaluate, type Principal, type Request } from "./evaluate.ts";
import type { Statement } from "./policy.ts";
import type { Resource } from "./swarm-account.ts";

/** A call of AWS's API, or a right that AWS checks because of one. */
export interface Call {
  /** Who calls, and why: shown if it is denied. */
  origin: string;
  action: string;
  /** The resources; none for an action that is not about any. */
  resources: readonly Resource[];
  context: Context;
}

/** A denied call. */
export type Denial = string;

/** What happened to calls: which were denied, and which statements were needed for others. */
export class Trial {
  readonly denials: Denial[] = [];
  readonly #used = new Map<Statement, Set<string>>();
  readonly #reference: AuthorizationReference;

  constructor(reference: AuthorizationReference) {
    this.#reference = reference;
  }

  /** Evaluates calls as AWS does: each resource for itself, with the keys that AWS knows for the action and its type. */
  judge(calls: readonly Call[], principal: Principal): void {
    for (const call of calls) {
      for (const request of requestsOf(this.#reference, call)) {
        const { decision, allowedBy, missing } = evaluate(request, principal);
        for (const statement of allowedBy) this.#use(statement, request.action);
        if (decision !== "allowed")
          this.denials.push(
            `${call.origin}: ${principal.name} may not ${request.action} on ${request.resource}: ${missing.join("; ")}`,
          );
      }
    }
  }

  #use(statement: Statement, action: string): void {
    const actions = this.#used.get(statement) ?? new Set();
    this.#used.set(statement, actions.add(action));
  }

  /** Returns the actions that statements allow and no call has needed, as `Sid action`. */
  unused(statements: readonly Statement[], covers: (pattern: string, action: string) => boolean): string[] {
    return statements.flatMap((statement) =>
      [statement.Action]
        .flat()
        .filter(
          (pattern) => ![...(this.#used.get(statement) ?? [])].some((action) => covers(pattern, action)),
        )
        .map((pattern) => `${statement.Sid ?? "?"} ${pattern}`),
    );
  }
}

/** Returns the questions to IAM that a call raises. */
export function requestsOf(
  reference: AuthorizationReference,
  { action, resources, context }: Call,
): Request[] {
  if (action.includes("*") || resources.length === 0)
    return [{ action, resource: "*", context: supported(reference, action, "", context) }];
  return resources.map(({ type, arn, tags }) => {
    const tagKeys = Object.fromEntries(
      Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, value]),
    );
    return { action, resource: arn, context: supported(reference, action, type, { ...tagKeys, ...context }) };
  });
}

function supported(
  reference: AuthorizationReference,
  action: string,
  type: string,
  context: Context,
): Context {
  if (action.includes("*")) return context;
  const privilege = privilegeOf(reference, action);
  return Object.fromEntries(Object.entries(context).filter(([key]) => supportsKey(privilege, type, key)));
}

/** Returns the keys of a request that sets tags. */
export function requestTags(tags: Readonly<Record<string, string>>): Context {
  return {
    ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
    "aws:TagKeys": Object.keys(tags),
  };
}
