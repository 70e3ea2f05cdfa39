import { access, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";

/** Variables that name AWS credentials. @see AWS SDKs and Tools Reference Guide, "Environment variables" */
const VARIABLES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_PROFILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/** Returns whether the environment or AWS's configuration files name credentials. Does not check whether they are valid. */
export async function isAwsConfigured(env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  if (VARIABLES.some((name) => env[name])) return true;
  const found = await Promise.allSettled(configurationFiles(env).map((file) => access(file)));
  return found.some(({ status }) => status === "fulfilled");
}

/** Returns AWS's configuration files, which need not exist: that of the credentials, and the other. */
function configurationFiles(env: NodeJS.ProcessEnv): [credentials: string, config: string] {
  const folder = path.join(env["HOME"] || homedir(), ".aws");
  return [
    env["AWS_SHARED_CREDENTIALS_FILE"] || path.join(folder, "credentials"),
    env["AWS_CONFIG_FILE"] || path.join(folder, "config"),
  ];
}

/**
 * Returns the names of the profiles in AWS's configuration files, without those of files that cannot be read.
 * @see AWS SDKs and Tools Reference Guide, "Shared config and credentials files": a section is `[NAME]` in the file
 *   of credentials, and `[profile NAME]` or `[default]` in the other.
 */
export async function awsProfiles(env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const [credentials, config] = await configurationTexts(env);
  const sections = (text: string): string[] =>
    [...text.matchAll(/^\s*\[\s*([^\]]+?)\s*\]/gm)].map(([, name]) => name!);
  const ofConfig = sections(config).flatMap((section) =>
    section === "default" ? [section] : (/^profile\s+(.+)$/.exec(section)?.slice(1) ?? []),
  );
  const withoutQuotes = (name: string): string => name.replace(/^(["'])(.*)\1$/, "$2");
  return [...new Set([...ofConfig, ...sections(credentials)].map(withoutQuotes))];
}

/** Returns the regions in AWS's configuration files, without those of files that cannot be read. */
export async function awsRegions(env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const texts = await configurationTexts(env);
  const settings = texts.flatMap((text) => [...text.matchAll(/^region\s*=\s*(\S+)/gm)]);
  return [...new Set(settings.map(([, region]) => region!))];
}

/** Returns the contents of AWS's configuration files; a file that cannot be read counts as empty. */
async function configurationTexts(env: NodeJS.ProcessEnv): Promise<[credentials: string, config: string]> {
  const [credentials, config] = configurationFiles(env);
  const read = (file: string): Promise<string> => readFile(file, "utf8").catch(() => "");
  return await Promise.all([read(credentials), read(config)]);
}

/** Switches off a warning of the SDK on Node.js 20, that its releases of 2027 will require a later version. */
export function silenceSdk(env: NodeJS.ProcessEnv = process.env): void {
  env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
}

/** Returns whether there are AWS credentials, including those of a role of the EC2 instance that this machine may be. */
export async function hasAwsCredentials(): Promise<boolean> {
  if (await isAwsConfigured()) return true;
  silenceSdk();
  const { STSClient } = await import("@aws-sdk/client-sts");
  const client = new STSClient({ region: "us-east-1" }); // any region: no request is sent
  try {
    await client.config.credentials();
    return true;
  } catch {
    return false;
  } finally {
    client.destroy();
  }
}
