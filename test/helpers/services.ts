import { describe, it } from "vitest";
import { findProgram } from "../../scripts/setup.js";
import { howToInstall } from "../../scripts/system-programs.js";

const warned = new Set<string>();

/**
 * Tests that need a program of the system, such as `redis-server`. Where it is missing they are skipped,
 * loudly; under REQUIRE_SERVICES=1 (as CI sets it) that is a failure.
 */
export function describeWithService(program: string, name: string, body: () => void): void {
  if (findProgram(program) !== undefined) {
    describe(name, body);
    return;
  }
  const reason = howToInstall([program]);
  if (process.env["REQUIRE_SERVICES"] === "1") {
    describe(name, () => {
      it(`finds ${program}`, () => {
        throw new Error(reason);
      });
    });
    return;
  }
  if (!warned.has(program)) console.warn(`SKIPPED tests: ${reason}`);
  warned.add(program);
  describe.skip(`${name} (${program} is missing)`, body);
}
