import { describe, expect, it } from "vitest";
import { findProgram } from "../../scripts/setup.js";
import { howToInstall } from "../../scripts/system-programs.js";

const warned = new Set<string>();

/**
 * Tests that need a program of the system, such as `redis-server`. If it is missing, they are skipped with a warning;
 * under REQUIRE_SERVICES=1 (as CI sets it) that is a failure.
 */
export function describeWithService(
  programs: string | readonly string[],
  name: string,
  body: () => void,
): void {
  const missing = [programs].flat().filter((program) => findProgram(program) === undefined);
  if (missing.length === 0) {
    describe(name, body);
    return;
  }
  const list = missing.join(" and ");
  const reason = howToInstall(missing);
  if (process.env["REQUIRE_SERVICES"] === "1") {
    describe(name, () => {
      it(`finds ${list}`, () => expect.fail(reason));
    });
    return;
  }
  if (!warned.has(list)) console.warn(`SKIPPED tests: ${reason}`);
  warned.add(list);
  describe.skip(`${name} (missing: ${list})`, body);
}
