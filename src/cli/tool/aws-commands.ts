import { UserError } from "../../errors.ts";
import type { Io } from "./io.ts";

/**
 * Prints the IAM policy that a user of swarm-tool needs.
 * @throws {UserError} if the account number is invalid, or AWS cannot be reached.
 */
export async function printPolicy(
  options: { account?: string; profile?: string },
  { sayData }: Io,
): Promise<void> {
  const { policyFor, whoAmI } = await import("../../providers/aws/account.ts");
  if (options.account !== undefined) {
    if (!/^\d{12}$/.test(options.account)) {
      throw new UserError(`${options.account} is not an AWS account number`, {
        hint: "an account number has twelve digits",
      });
    }
    return sayData(await policyFor({ id: options.account, user: "arn:aws:iam" }));
  }
  const { connectToAws } = await import("../../providers/aws/clients.ts");
  using clients = await connectToAws({ region: "us-east-1", ...options }); // the account is the same in all regions
  sayData(await policyFor(await whoAmI(clients)));
}
