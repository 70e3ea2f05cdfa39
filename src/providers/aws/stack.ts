import {
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
  ValidateTemplateCommand,
  type Parameter,
  type Stack,
  type StackEvent,
} from "@aws-sdk/client-cloudformation";
import { errorText, UserError } from "../../errors.ts";
import { attempts } from "../../system/poll.ts";
import { awsErrorName } from "./aws-errors.ts";
import type { AwsClients } from "./clients.ts";
import { AWS_PACE } from "./timeouts.ts";

type CloudFormation = Pick<AwsClients, "cloudFormation">;

/** A change of the status of a stack or one of its resources. */
export interface ResourceEvent {
  /** Name in the template; for the stack itself, the stack's name. */
  logicalId: string;
  type: string;
  status: string;
  reason: string | undefined;
}

/** Tag of everything that belongs to a swarm; its value is the swarm's name. */
export const TAG = "swarm-tool";

/** Returns a stack; undefined if it does not exist or was deleted. */
export async function describeStack(
  { cloudFormation }: CloudFormation,
  stack: string,
  signal?: AbortSignal,
): Promise<Stack | undefined> {
  try {
    const { Stacks } = await cloudFormation.send(
      new DescribeStacksCommand({ StackName: stack }),
      options(signal),
    );
    const found = Stacks?.[0];
    return found?.StackStatus === "DELETE_COMPLETE" ? undefined : found;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Returns whether we created a stack for this swarm. */
export function isOurs(stack: Stack, swarm: string): boolean {
  return stack.Tags?.some(({ Key, Value }) => Key === TAG && Value === swarm) ?? false;
}

export interface Template {
  body: { TemplateBody: string } | { TemplateURL: string };
}

/** Returns the names of a template's parameters. @throws {UserError} if AWS rejects the template. */
export async function templateParameters(
  { cloudFormation }: CloudFormation,
  { body }: Template,
): Promise<string[]> {
  try {
    const { Parameters } = await cloudFormation.send(new ValidateTemplateCommand(body));
    return (Parameters ?? []).flatMap(({ ParameterKey }) => ParameterKey ?? []);
  } catch (error) {
    if (awsErrorName(error) !== "ValidationError") throw error;
    throw new UserError(`AWS rejected the template: ${errorText(error)}`, { cause: error });
  }
}

/** Starts the creation of a stack, and returns its ARN. */
export async function createStack(
  { cloudFormation }: CloudFormation,
  stack: { name: string; swarm: string; template: Template; parameters: Record<string, string> },
): Promise<string> {
  const { StackId } = await cloudFormation.send(
    new CreateStackCommand({
      StackName: stack.name,
      ...stack.template.body,
      Parameters: toParameters(stack.parameters),
      Capabilities: ["CAPABILITY_IAM"],
      Tags: [{ Key: TAG, Value: stack.swarm }],
      OnFailure: "ROLLBACK",
    }),
  );
  return StackId!;
}

/**
 * Starts an update of a stack with its own template.
 * @param change `known`: names of its parameters; `values`: those that are to change.
 * @returns false if there is nothing to change.
 * @see CloudFormation API Reference, UpdateStack: parameters from Systems Manager are resolved anew.
 */
export async function updateStack(
  { cloudFormation }: CloudFormation,
  change: { name: string; known: readonly string[]; values: Readonly<Record<string, string>> },
): Promise<boolean> {
  try {
    await cloudFormation.send(
      new UpdateStackCommand({
        StackName: change.name,
        UsePreviousTemplate: true,
        Parameters: change.known.map((ParameterKey) => {
          const ParameterValue = change.values[ParameterKey];
          return ParameterValue === undefined
            ? { ParameterKey, UsePreviousValue: true }
            : { ParameterKey, ParameterValue };
        }),
        Capabilities: ["CAPABILITY_IAM"],
      }),
    );
    return true;
  } catch (error) {
    if (awsErrorName(error) === "ValidationError" && /No updates are to be performed/.test(errorText(error)))
      return false;
    throw error;
  }
}

/** Starts the deletion of a stack. A stack that does not exist is not an error. */
export async function deleteStack({ cloudFormation }: CloudFormation, stack: string): Promise<void> {
  await cloudFormation.send(new DeleteStackCommand({ StackName: stack }));
}

/**
 * Yields the events of a stack since a time, until the current operation on it has ended.
 * @param stackId its ARN, because a deleted stack cannot be found by its name.
 * @returns its final status; undefined if it no longer exists.
 */
export async function* followStack(
  clients: CloudFormation,
  stackId: string,
  { since, signal }: { since: Date; signal?: AbortSignal | undefined },
): AsyncGenerator<ResourceEvent, string | undefined> {
  const seen = new Set<string>();
  const nextAttempt = attempts({ ...AWS_PACE, signal });
  for (;;) {
    // The status is queried first, so that all events before it are yielded.
    const stack = await describeStack(clients, stackId, signal);
    for (const event of await newEvents(clients, stackId, { seen, since, signal })) yield event;
    if (stack?.StackStatus === undefined) return undefined;
    if (!stack.StackStatus.endsWith("_IN_PROGRESS")) return stack.StackStatus;
    await nextAttempt();
  }
}

/** Returns the first failure, which is the cause of the others ("Resource creation cancelled"). */
export async function firstFailure(
  clients: CloudFormation,
  stackId: string,
  since: Date,
): Promise<ResourceEvent | undefined> {
  const events = await newEvents(clients, stackId, { seen: new Set(), since });
  const failed = events.filter(({ status }) => status.endsWith("_FAILED"));
  return (
    failed[0] ?? events.find(({ status, reason }) => status.startsWith("ROLLBACK_") && reason !== undefined)
  );
}

/** Returns the events that are not in `seen`, oldest first, and adds them to it. */
async function newEvents(
  { cloudFormation }: CloudFormation,
  stackId: string,
  { seen, since, signal }: { seen: Set<string>; since: Date; signal?: AbortSignal | undefined },
): Promise<ResourceEvent[]> {
  const events: StackEvent[] = [];
  let next: string | undefined;
  try {
    do {
      const page = await cloudFormation.send(
        new DescribeStackEventsCommand({
          StackName: stackId,
          ...(next !== undefined && { NextToken: next }),
        }),
        options(signal),
      );
      const fresh = (page.StackEvents ?? []).filter(
        ({ EventId, Timestamp }) => !seen.has(EventId!) && (Timestamp ?? since) >= since,
      );
      events.push(...fresh);
      next = fresh.length > 0 ? page.NextToken : undefined; // pages are sorted newest first: the rest is old
    } while (next !== undefined);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  for (const { EventId } of events) seen.add(EventId!);
  return events.reverse().map((event) => ({
    logicalId: event.LogicalResourceId ?? "?",
    type: event.ResourceType ?? "?",
    status: event.ResourceStatus ?? "?",
    reason: event.ResourceStatusReason,
  }));
}

function isMissing(error: unknown): boolean {
  return awsErrorName(error) === "ValidationError" && errorText(error).includes("does not exist");
}

function toParameters(parameters: Record<string, string>): Parameter[] {
  return Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
    ParameterKey,
    ParameterValue,
  }));
}

/** Returns the options of a request: `signal` is for timers of Node.js, `abortSignal` for the SDK. */
export function options(signal: AbortSignal | undefined): {
  signal?: AbortSignal;
  abortSignal?: AbortSignal;
} {
  return signal === undefined ? {} : { signal, abortSignal: signal };
}
