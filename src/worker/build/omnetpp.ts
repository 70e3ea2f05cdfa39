import { UserError } from "../../errors.ts";
import type { Omnetpp } from "../../model/build.ts";
import { isSameMinor, omnetppVersion, SIMULATORS } from "../../omnetpp/simulator.ts";
import { findProgram } from "../../system/program.ts";

/** The OMNeT++ of this machine is of another version; that of another machine of the swarm may be the right one. */
export class OtherOmnetpp extends UserError {
  override name = "OtherOmnetpp";
}

/**
 * Sees to it that the OMNeT++ of this machine is the user's, in the first two numbers of its version. Where his
 * own installation is used there is nothing to compare.
 * @throws {OtherOmnetpp} where it is another version.
 */
export async function checkOmnetpp(wanted: Omnetpp, env: NodeJS.ProcessEnv): Promise<void> {
  if (wanted.binDirectory !== undefined) return;
  const simulator = await findProgram(SIMULATORS, env["PATH"]);
  if (simulator === undefined) return; // what needs it says so
  const version = await omnetppVersion(simulator, { env });
  if (isSameMinor(version, wanted.version)) return;
  throw new OtherOmnetpp(`this swarm has OMNeT++ ${version}, but you have ${wanted.version}`, {
    hint: `accept its version with --omnetpp ${version}, or deploy an image with yours: swarm-tool deploy --build --omnetpp-version ${wanted.version}`,
  });
}
