import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

/** A call of AWS's API, as IAM names it: `ec2:DescribeInstances`. */
export interface AwsCall {
  action: string;
  /** The format of the service's responses. */
  protocol: "query" | "ec2" | "json";
  /** Its parameters, with the names of fields joined by dots and items counted from 1: `AlarmNames.1`. */
  parameters: Readonly<Record<string, string>>;
}

export interface AwsAnswer {
  status: number;
  body: string;
  /** Content type of the response; XML by default. */
  type?: string;
}

/** Returns the response to a call; undefined passes the call on to the emulator. */
export type Script = (call: AwsCall) => AwsAnswer | "cut" | undefined;

/** Runs between a tool and the emulator, logs each call, and answers some of them itself. */
export interface AwsProxy extends AsyncDisposable {
  url: string;
  calls: string[];
  requests: AwsCall[];
  /** When each call came, in milliseconds. */
  times: number[];
  script: Script;
  /** Delay of every response. */
  delayMs: number;
}

export async function startProxy(upstream: string): Promise<AwsProxy> {
  const server = createServer((incoming, outgoing) => void handle(incoming, outgoing));
  const proxy: AwsProxy = {
    url: "",
    calls: [],
    requests: [],
    times: [],
    delayMs: 0,
    script: () => undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await buffer(incoming);
    const call = describeCall(incoming, body);
    proxy.calls.push(call.action);
    proxy.requests.push(call);
    proxy.times.push(performance.now());
    if (proxy.delayMs > 0) await delay(proxy.delayMs);
    const answer = proxy.script(call);
    if (answer === "cut") return void incoming.socket.destroy();
    if (answer !== undefined) {
      outgoing.writeHead(answer.status, { "content-type": answer.type ?? "text/xml" });
      return void outgoing.end(answer.body);
    }
    forward(upstream, incoming, body, outgoing);
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}

function forward(upstream: string, incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): void {
  const { method, headers, url } = incoming;
  const onward = request(new URL(url ?? "/", upstream), { method, headers }, (response) => {
    outgoing.writeHead(response.statusCode ?? 500, response.headers);
    response.pipe(outgoing);
  });
  onward.once("error", () => outgoing.destroy());
  onward.end(body);
}

/** How IAM calls services that sign their requests with another name. */
const IAM_NAMES: Record<string, string> = { monitoring: "cloudwatch", tagging: "tag" };

/** AWS has three ways to name an action: a form field, a header, and a path. */
function describeCall({ headers, url }: IncomingMessage, body: Buffer): AwsCall {
  const scope = /Credential=[^/]+\/[^/]+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? "")?.[1];
  const service = IAM_NAMES[scope ?? ""] ?? scope ?? "unsigned";
  const isForm = headers["content-type"]?.includes("form-urlencoded") ?? false;
  const fields = new URLSearchParams(isForm ? body.toString() : "");
  const target = String(headers["x-amz-target"] ?? "").split(".")[1];
  const operation = /\/operation\/(\w+)/.exec(url ?? "")?.[1];
  return {
    action: `${service}:${fields.get("Action") ?? target ?? operation ?? "?"}`,
    protocol: service === "ec2" ? "ec2" : isForm ? "query" : "json",
    parameters: isForm
      ? Object.fromEntries([...fields].map(([name, value]) => [name.replaceAll(".member.", "."), value]))
      : Object.fromEntries(flatten(JSON.parse(body.toString() || "{}"))),
  };
}

/** Returns the values of a JSON text, by the names of their fields. */
function flatten(value: unknown, name = ""): [string, string][] {
  if (typeof value !== "object" || value === null) return [[name, String(value)]];
  const prefix = name === "" ? "" : `${name}.`;
  return Object.entries(value).flatMap(([key, inner]) =>
    flatten(inner, `${prefix}${Array.isArray(value) ? Number(key) + 1 : key}`),
  );
}
