import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";

/** The address of the metadata of each machine on AWS. */
const ADDRESS = "169.254.169.254";
const LONGEST_SECONDS = 21_600;

/** What AWS tells a machine about itself. */
interface Metadata {
  id: string;
  address: string;
  mac: string;
  userData: string;
  /** With which `ec2-user` may log in. */
  publicKey: string;
}

export interface MetadataService extends AsyncDisposable {
  /** The machine that runs; there is only one. */
  machine: Metadata | undefined;
}

/** Starts AWS's metadata service in version 2, which answers only to those with a token. */
export async function startMetadata(): Promise<MetadataService> {
  const tokens = new Set<string>();
  const service: MetadataService = {
    machine: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  const server = createServer((request, response) => {
    const { status, body } = answer(request);
    response.writeHead(status, { "content-type": "text/plain" });
    response.end(body);
  });
  const answer = ({ method, url = "", headers }: IncomingMessage): { status: number; body: string } => {
    const [, , ...parts] = url.split("/"); // without the version
    const place = parts.join("/");
    if (method === "PUT" && place === "api/token") {
      const seconds = Number(headers["x-aws-ec2-metadata-token-ttl-seconds"]);
      if (!(seconds >= 1 && seconds <= LONGEST_SECONDS)) return { status: 400, body: "" };
      const token = `token-${tokens.size}`;
      tokens.add(token);
      return { status: 200, body: token };
    }
    if (!tokens.has(String(headers["x-aws-ec2-metadata-token"]))) return { status: 401, body: "" };
    const body = service.machine && look(tree(service.machine), parts);
    return body === undefined ? { status: 404, body: "" } : { status: 200, body };
  };
  server.listen(80, ADDRESS);
  await once(server, "listening");
  return service;
}

interface Tree {
  [name: string]: string | Tree;
}

/** @see EC2 User Guide, "Instance metadata categories". */
function tree({ id, address, mac, userData, publicKey }: Metadata): Tree {
  return {
    "user-data": userData,
    dynamic: {
      "instance-identity": { document: JSON.stringify({ instanceId: id, region: "eu-central-1" }) },
    },
    "meta-data": {
      "instance-id": id,
      "local-ipv4": address,
      "local-hostname": `ip-${address.replaceAll(".", "-")}.eu-central-1.compute.internal`,
      mac,
      placement: { "availability-zone": "eu-central-1a", region: "eu-central-1" },
      "public-keys": { "0": { "openssh-key": publicKey } },
      network: {
        interfaces: { macs: { [mac]: { "device-number": "0", "local-ipv4s": address, mac } } },
      },
    },
  };
}

/** Returns a value, or a list of names; a slash follows the names of lists. */
function look(root: Tree, parts: readonly string[]): string | undefined {
  let found: string | Tree | undefined = root;
  for (const part of parts.filter((each) => each !== "")) {
    if (typeof found !== "object") return undefined;
    found = found[part];
  }
  if (typeof found !== "object") return found;
  if (parts.filter((each) => each !== "").at(-1) === "public-keys") return "0=swarm";
  return Object.entries(found)
    .map(([name, value]) => (typeof value === "string" ? name : `${name}/`))
    .join("\n");
}
