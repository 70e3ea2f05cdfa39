import {
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
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

/** What happens to the stack or one of its resources. */
export interface ResourceEvent {
  /** Name in the template; of the stack itself the stack's name. */
  logicalId: string;
  type: string;
  status: string;
  reason: string | undefined;
}

/** Marks what belongs to a swarm; the value is the swarm's name. */
export const TAG = "swarm-tool";

/** Undefined where there is none, also after its deletion. */
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

/** Whether a stack was made by us for this swarm. */
export function isOurs(stack: Stack, swarm: string): boolean {
  return stack.Tags?.some(({ Key, Value }) => Key === TAG && Value === swarm) ?? false;
}

export interface Template {
  body: { TemplateBody: string } | { TemplateURL: string };
}

/** The names of a template's parameters, which AWS also checks for its form. */
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

/** A stack that is not there is no error. */
export async function deleteStack({ cloudFormation }: CloudFormation, stack: string): Promise<void> {
  await cloudFormation.send(new DeleteStackCommand({ StackName: stack }));
}

/**
 * What happens to a stack from a time on, until it is at rest.
 * @param stackId its ARN: after its deletion the name says nothing any more.
 * @returns the status at which it rests; undefined where it is gone.
 */
export async function* followStack(
  clients: CloudFormation,
  stackId: string,
  { since, signal }: { since: Date; signal?: AbortSignal | undefined },
): AsyncGenerator<ResourceEvent, string | undefined> {
  const seen = new Set<string>();
  const nextAttempt = attempts({ ...AWS_PACE, signal });
  for (;;) {
    // The state first: what happened before it is then among the events.
    const stack = await describeStack(clients, stackId, signal);
    for (const event of await newEvents(clients, stackId, { seen, since, signal })) yield event;
    if (stack?.StackStatus === undefined) return undefined;
    if (!stack.StackStatus.endsWith("_IN_PROGRESS")) return stack.StackStatus;
    await nextAttempt();
  }
}

/** The first failure is the cause; others follow from it ("Resource creation cancelled"). */
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

/** Oldest first. */
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
      next = fresh.length > 0 ? page.NextToken : undefined; // newest first: the rest is old
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

export function options(signal: AbortSignal | undefined): {
  signal?: AbortSignal;
  abortSignal?: AbortSignal;
} {
  return signal === undefined ? {} : { signal, abortSignal: signal };
}
