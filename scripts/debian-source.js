import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { SetupError } from "./setup.js";

/**
 * Returns apt's source of Debian packages, in either of its two formats.
 * @throws {SetupError} if it has none. @see sources.list(5)
 */
export function packageSource() {
  const folder = "/etc/apt/sources.list.d";
  const files = existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
  const texts = ["/etc/apt/sources.list", ...files]
    .filter((file) => existsSync(file) && /\.(list|sources)$/.test(file))
    .map((file) => readFileSync(file, "utf8"));
  const [, suite = "bookworm"] =
    /^VERSION_CODENAME=(\w+)/m.exec(readFileSync("/etc/os-release", "utf8")) ?? [];
  const found = texts.flatMap((text) => [
    ...text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(?<mirror>\S+)\s+(?<suites>\S+)/gm),
    ...text.matchAll(/^URIs:\s*(?<mirror>\S+)[^]*?^Suites:\s*(?<suites>.*)$/gm),
  ]);
  const own = found.find(({ groups }) => groups?.["suites"]?.split(/\s+/).includes(suite));
  const mirror = own?.groups?.["mirror"];
  if (mirror === undefined) throw new SetupError(`apt has no source of the packages of ${suite}`);
  return { mirror, suite };
}
