import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import path from "node:path";
import { temporaryDirectory } from "./temporary.ts";

/** What an Engine reports about itself, if it differs from the default: a manager, alone in its swarm, without services. */
export interface EngineStub {
  apiVersion?: string;
  /** Part of the answer to `docker info`. */
  swarm?: Partial<{ LocalNodeState: string; ControlAvailable: boolean; NodeID: string; Error: string }>;
  /** Host names; the first one is the manager itself. */
  nodes?: readonly string[];
  /** Where services of any stack have their data: a constraint. */
  constraint?: string;
  /** The output of a build and its last message. */
  buildError?: string;
}

/**
 * A Docker Engine with the API that is used before anything is deployed, at a unix socket.
 * @see Docker Engine API 1.41: SystemVersion, SystemInfo, NodeList, NodeInspect, ServiceList, ServiceInspect, ConfigCreate, ConfigDelete, ImageBuild
 */
export async function startEngineStub(stub: EngineStub): Promise<{ host: string } & AsyncDisposable> {
  const folder = await temporaryDirectory("swarm-engine-");
  const socket = path.join(folder.path, "docker.sock");
  const { apiVersion = "1.41" } = stub;
  const server = createServer((request, response) => {
    response.setHeader("Api-Version", apiVersion);
    request.resume().on("end", () => {
      const url = new URL(request.url!, "http://docker");
      answer(url.pathname.replace(/^\/v[\d.]+/, ""), stub, response);
    });
  });
  server.listen(socket);
  await once(server, "listening");
  return {
    host: `unix://${socket}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function answer(path: string, stub: EngineStub, response: ServerResponse): void {
  const { apiVersion = "1.41", swarm = {}, nodes = ["manager"], constraint, buildError } = stub;
  const json = (value: unknown): void => void response.end(JSON.stringify(value));
  const described = nodes.map(describeNode);
  response.setHeader("Content-Type", "application/json");
  switch (path) {
    case "/_ping":
      return void response.end("OK");
    case "/version":
      return json({
        Version: "0.0",
        ApiVersion: apiVersion,
        MinAPIVersion: "1.12",
        Os: "linux",
        Arch: "amd64",
      });
    case "/info":
      return json({
        Swarm: { LocalNodeState: "active", ControlAvailable: true, NodeID: "n0", Error: "", ...swarm },
      });
    case "/nodes":
      return json(described);
    case "/services":
      return json(constraint === undefined ? [] : [describeService(constraint)]);
    case "/configs/create":
      response.statusCode = 201;
      return json({ ID: "c0" });
    case "/images/json":
      return json([]);
    case "/build":
      return void response.end(
        `${JSON.stringify({ errorDetail: { message: buildError }, error: buildError })}\n`,
      );
  }
  if (path === "/configs/c0") return json({ ID: "c0" }); // queried, or removed
  const node = described.find(({ ID }) => path === `/nodes/${ID}`);
  if (node !== undefined) return json(node);
  if (path.startsWith("/services/") && constraint !== undefined) return json(describeService(constraint));
  response.statusCode = 404;
  json({ message: `the stub knows nothing of ${path}` });
}

function describeNode(hostname: string, index: number) {
  return {
    ID: `n${index}`,
    Version: { Index: 1 },
    Spec: { Role: index === 0 ? "manager" : "worker", Availability: "active" },
    Description: { Hostname: hostname, Resources: { MemoryBytes: 8 * 2 ** 30, NanoCPUs: 2e9 } },
    Status: { State: "ready" },
    ...(index === 0 && { ManagerStatus: { Leader: true, Reachability: "reachable" } }),
  };
}

function describeService(constraint: string) {
  return {
    ID: "s0",
    Version: { Index: 1 },
    ServiceStatus: { RunningTasks: 1, DesiredTasks: 1 },
    Spec: {
      Name: "swarm-pinned_redis",
      Labels: { "com.docker.stack.namespace": "swarm-pinned", "inet-swarm.service": "redis" },
      TaskTemplate: { ContainerSpec: { Image: "redis" }, Placement: { Constraints: [constraint] } },
      Mode: { Replicated: { Replicas: 1 } },
    },
  };
}
