import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const LICENSE_FILE = /^(?:licen[cs]e|copying|notice|copyright)(?:[.-].*)?$/i;
/** The license of packages that only name it, without the copyright line. */
const MIT = readFileSync(new URL("../LICENSE", import.meta.url), "utf8")
  .replace(/^.*?(?=Permission is)/s, "")
  .trim();

/**
 * @typedef {object} Manifest
 * @property {string} [name] missing in a package.json that only says how modules are read.
 * @property {string} [version]
 * @property {string} [license]
 * @property {string | { name: string }} [author]
 */

/**
 * Returns the licenses of all packages that contain one of these files or folders, as a text for people: the licenses
 * require that they are passed on with the code. Packages with the same text share a section.
 * @param {readonly string[]} files
 * @throws {Error} if a package neither contains nor names a license that is known here.
 */
export function describeLicenses(files) {
  const folders = new Set(files.map(packageOf).filter((folder) => folder !== undefined));
  const packages = [...folders].map(readPackage).sort((a, b) => (a.name < b.name ? -1 : 1));
  /** @type {Map<string, string[]>} */
  const sections = new Map();
  for (const each of packages) {
    const text = each.text ?? standardText(each, packages);
    sections.set(text, [...(sections.get(text) ?? []), `${each.name} ${each.version} (${each.license})`]);
  }
  const line = `\n${"-".repeat(80)}\n\n`;
  const parts = [...sections].map(([text, names]) => `${[...new Set(names)].join("\n")}\n\n${text}\n`);
  return ["The programs in this folder contain these packages of npm.\n", ...parts].join(line);
}

/** Returns the folder of the package with this file; undefined for our own files. @param {string} file */
function packageOf(file) {
  const marker = `${path.sep}node_modules${path.sep}`;
  const start = file.lastIndexOf(marker);
  if (start === -1) return undefined;
  const [first = "", second = ""] = file.slice(start + marker.length).split(path.sep);
  return path.join(file.slice(0, start), "node_modules", first, first.startsWith("@") ? second : "");
}

/** @param {string} folder */
function readPackage(folder) {
  /** @type {unknown} */
  const manifest = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  const { name = "", version = "", license = "", author } = /** @type {Manifest} */ (manifest);
  const texts = licenseFiles(folder).map((file) => readFileSync(file, "utf8").trim());
  const holder = typeof author === "string" ? author : author?.name;
  return { name, version, license, holder, text: texts.length === 0 ? undefined : texts.join("\n\n") };
}

/** @typedef {ReturnType<typeof readPackage>} Package */

/**
 * Returns the license of a package that only names it.
 * @param {Package} wanted
 * @param {readonly Package[]} packages
 */
function standardText({ name, license, holder }, packages) {
  if (license === "MIT") return `Copyright (c) ${holder ?? `the authors of ${name}`}\n\n${MIT}`;
  const text = packages.find((other) => other.license === license && other.text !== undefined)?.text;
  if (text === undefined) throw new Error(`${name} has no license file, and its license is ${license}`);
  return text;
}

/** Returns the license files of a package, and those that its bundler left beside its code. @param {string} folder */
function licenseFiles(folder) {
  const own = readdirSync(folder).filter((name) => LICENSE_FILE.test(name));
  const bundled = path.join("dist", "static", "js");
  const others = existsSync(path.join(folder, bundled))
    ? readdirSync(path.join(folder, bundled), { recursive: true, encoding: "utf8" })
    : [];
  const left = others.filter((name) => name.endsWith(".LICENSE.txt")).map((name) => path.join(bundled, name));
  return [...own, ...left].sort().map((name) => path.join(folder, name));
}
