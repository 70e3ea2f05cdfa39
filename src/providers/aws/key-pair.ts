import { DeleteKeyPairCommand, DescribeKeyPairsCommand, ImportKeyPairCommand } from "@aws-sdk/client-ec2";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { makeFolders, lstatIfExists } from "../../system/files.ts";
import { runProgram } from "../../system/program.ts";
import { awsErrorName } from "./aws-errors.ts";
import type { AwsClients } from "./clients.ts";
import { TAG } from "./stack.ts";

type Ec2 = Pick<AwsClients, "ec2">;

/** Returns the path of a swarm's private key. */
export function keyFile(directory: string): string {
  return path.join(directory, "ssh", "id_ed25519");
}

/** Creates an Ed25519 key pair if there is none. The private key never leaves this machine. @returns the public key. */
export async function makeKey(directory: string, comment: string): Promise<string> {
  const file = keyFile(directory);
  if ((await lstatIfExists(file)) === undefined || (await lstatIfExists(`${file}.pub`)) === undefined) {
    await makeFolders(path.dirname(file), 0o700);
    await rm(file, { force: true });
    const args = ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file];
    const { exitCode, stderr } = await runProgram("ssh-keygen", args);
    if (exitCode !== 0) throw new UserError(`ssh-keygen cannot create a key: ${stderr.trim()}`);
  }
  return (await readFile(`${file}.pub`, "utf8")).trim();
}

/**
 * Imports a public key under a name, unless it exists already. Another key that we created is replaced: its private key
 * is on another machine or lost.
 * @throws {UserError} if the name is used by a key that swarm-tool did not create.
 */
export async function importKey(
  { ec2 }: Ec2,
  name: string,
  swarm: string,
  publicKey: string,
): Promise<"imported" | "exists"> {
  const known = await findKey({ ec2 }, name);
  if (known !== undefined && !known.ours) {
    throw new UserError(`the AWS account already has a key pair ${name} that swarm-tool did not create`, {
      hint: "choose another name for the swarm, or delete the key pair in the AWS console",
    });
  }
  if (known !== undefined) {
    if (known.publicKey !== undefined && sameKey(known.publicKey, publicKey)) return "exists";
    await ec2.send(new DeleteKeyPairCommand({ KeyName: name }));
  }
  await ec2.send(
    new ImportKeyPairCommand({
      KeyName: name,
      PublicKeyMaterial: Buffer.from(publicKey),
      TagSpecifications: [{ ResourceType: "key-pair", Tags: [{ Key: TAG, Value: swarm }] }],
    }),
  );
  return "imported";
}

/** Deletes a key pair that we imported. @returns false if there is none. */
export async function deleteKey({ ec2 }: Ec2, name: string): Promise<boolean> {
  if (!(await findKey({ ec2 }, name))?.ours) return false;
  await ec2.send(new DeleteKeyPairCommand({ KeyName: name }));
  return true;
}

async function findKey(
  { ec2 }: Ec2,
  name: string,
): Promise<{ ours: boolean; publicKey: string | undefined } | undefined> {
  try {
    const { KeyPairs } = await ec2.send(
      new DescribeKeyPairsCommand({ KeyNames: [name], IncludePublicKey: true }),
    );
    const found = KeyPairs?.[0];
    const ours = found?.Tags?.some(({ Key }) => Key === TAG) ?? false;
    return found && { ours, publicKey: found.PublicKey };
  } catch (error) {
    if (awsErrorName(error) === "InvalidKeyPair.NotFound") return undefined;
    throw error;
  }
}

/** Returns whether two public keys are the same, ignoring their comments. */
function sameKey(a: string, b: string): boolean {
  const key = (text: string): string => text.trim().split(/\s+/).slice(0, 2).join(" ");
  return key(a) === key(b);
}
