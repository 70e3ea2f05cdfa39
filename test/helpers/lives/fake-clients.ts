import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import type { AwsClients } from "../../../src/providers/aws/clients.ts";
import { ANSWERS, type Input } from "./answers.ts";
import type { Account } from "./account.ts";

/** Minute 0, in ms since 1970. */
export const START_MS = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;

export const dateOf = (minute: number): Date => new Date(START_MS + minute * MINUTE_MS);

/** The client's process was killed: nothing after this call happens. */
export class ClientLost extends Error {}

export interface ClientFaults {
  /** Number of calls after which the client is lost. */
  lostAfter: number;
  /** Number of calls after which AWS no longer accepts its credentials. */
  expiredAfter: number;
  /** By how many minutes its clock is wrong. */
  skew: number;
}

/** The SDK's clients of a user, of which each request is answered by an account. */
export interface FakeClients {
  clients: AwsClients;
  faults: ClientFaults;
}

export function fakeClients(account: Account, name: string, faults: ClientFaults): FakeClients {
  let calls = 0;
  let hasAnswered = false;
  const send = (command: { constructor: { name: string }; input: object }): Promise<object> => {
    calls++;
    if (calls > faults.lostAfter) return Promise.reject(new ClientLost("the client was lost"));
    if (calls > faults.expiredAfter)
      return Promise.reject(named("ExpiredToken", "The security token has expired"));
    const action = command.constructor.name.replace(/Command$/, "");
    const answer = ANSWERS[action];
    if (answer === undefined) throw new Error(`the model of the account has no answer to ${action}`);
    hasAnswered = true;
    return Promise.resolve().then(() => answer(account, command.input as Input, name));
  };
  const client = { send };
  const autoScaling = Object.assign(Object.create(AutoScalingClient.prototype) as object, client);
  const services = ["cloudFormation", "ec2", "cloudWatch", "iam", "ssm", "sts", "serviceQuotas", "tagging"];
  const clients = {
    ...Object.fromEntries(services.map((service) => [service, client])),
    autoScaling,
    region: "eu-central-1",
    // As `connectToAws`: by the clock of AWS, as soon as it has answered.
    now: () => dateOf(account.minute + (hasAnswered ? 0 : faults.skew)),
  };
  return { clients: clients as unknown as AwsClients, faults };
}

export function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
