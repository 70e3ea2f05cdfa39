import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Returns apt's source of Debian packages, in either of its two formats. @see sources.list(5) */
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
  return { mirror: own?.groups?.["mirror"] ?? "http://deb.debian.org/debian", suite };
}
