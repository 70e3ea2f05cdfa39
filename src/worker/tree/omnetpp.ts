import { UserError } from "../../errors.ts";
import type { Omnetpp } from "../../model/build.ts";
import { isSameMinor, omnetppVersion, SIMULATORS } from "../../omnetpp/simulator.ts";
import { findProgram } from "../../system/program.ts";

/** This machine's OMNeT++ has another version than the user's. Another machine of the swarm may have the right one. */
export class OtherOmnetpp extends UserError {
  override name = "OtherOmnetpp";
}

/**
 * Checks that the OMNeT++ of this machine has the same major and minor version as the user's. Does nothing if
 * the build uses the user's own installation.
 * @throws {OtherOmnetpp} if the versions differ.
 */
export async function checkOmnetpp(wanted: Omnetpp, env: NodeJS.ProcessEnv): Promise<void> {
  if (wanted.binDirectory !== undefined) return;
  const simulator = await findProgram(SIMULATORS, env["PATH"]);
  if (simulator === undefined) return; // the first command that needs it reports that
  const version = await omnetppVersion(simulator, { env });
  if (isSameMinor(version, wanted.version)) return;
  throw new OtherOmnetpp(`this swarm has OMNeT++ ${version}, but you have ${wanted.version}`, {
    hint: `accept its version with --omnetpp ${version}, or deploy an image with yours: swarm-tool deploy --build --omnetpp-version ${wanted.version}`,
  });
}
