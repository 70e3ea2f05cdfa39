import path from "node:path";
import { expect, it } from "vitest";
import { checkOmnetpp } from "../../src/worker/tree/omnetpp.ts";
import { STAND_IN } from "../helpers/tool.ts";

const env = { PATH: `${STAND_IN}${path.delimiter}${process.env["PATH"]!}` };

it.each(["6.2.0", "6.2.1", "6.2"])("accepts OMNeT++ 6.2.0 for %s", async (version) => {
  await expect(checkOmnetpp({ version }, env)).resolves.toBeUndefined();
});

it.each(["6.1.0", "7.0.0pre2", "6.20.0"])("reports that it is not %s, and what to do", async (version) => {
  await expect(checkOmnetpp({ version }, env)).rejects.toMatchObject({
    message: `this swarm has OMNeT++ 6.2.0, but you have ${version}`,
    hint:
      `accept its version with --omnetpp 6.2.0, or deploy an image with yours: ` +
      `swarm-tool deploy --build --omnetpp-version ${version}`,
  });
});

it("compares nothing if the user's own installation is used, or there is none", async () => {
  await expect(checkOmnetpp({ version: "5.7", binDirectory: STAND_IN }, env)).resolves.toBeUndefined();
  await expect(checkOmnetpp({ version: "5.7" }, { PATH: "/nowhere" })).resolves.toBeUndefined();
});
