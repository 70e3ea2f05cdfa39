import path from "node:path";
import { readTextIfExists } from "../../system/files.ts";
import { configuredNames, configuredPath } from "./commands/configuration.ts";
import type { Checkout } from "./git.ts";
import { homeDirectory } from "../../system/user.ts";

/** The settings in the user's git configuration that concern the files to read. */
export interface UserSettings {
  /** Files with ignore patterns in addition to those of `.gitignore` files, the least important first. */
  excludeFiles: string[];
  /** Attributes in addition to those of `.gitattributes` files in the checkout. */
  attributes: string;
  /** Names of the filters through which git passes files, except that of Git LFS. */
  filters: string[];
}

/** Returns the settings, without executing any program that the configuration names. */
export async function readUserSettings(checkout: Checkout, signal?: AbortSignal): Promise<UserSettings> {
  const { top: cwd, excludeFile, attributesFile } = checkout;
  const names = await configuredNames({ cwd, signal });
  const pathOf = async (name: string, file: string): Promise<string> => {
    if (!names.has(name.toLowerCase())) return path.join(configurationDirectory(), file);
    return path.resolve(cwd, await configuredPath(name, { cwd, signal }));
  };
  const ignore = await pathOf("core.excludesFile", "ignore");
  const own = await pathOf("core.attributesFile", "attributes");
  const texts = await Promise.all(["/etc/gitattributes", own, attributesFile].map(readable));
  const excluded = await Promise.all([ignore, excludeFile].map(readable));
  const filters = [...names].flatMap(
    (name) => /^filter\.(.+)\.(?:clean|smudge|process)$/s.exec(name)?.[1] ?? [],
  );
  return {
    excludeFiles: [ignore, excludeFile].filter((_, index) => excluded[index] !== undefined),
    attributes: texts.join("\n"),
    filters: [...new Set(filters)].filter((name) => name !== "lfs"),
  };
}

/**
 * Returns the folder of the user's git configuration.
 * @see gitignore(5), gitattributes(5): `$XDG_CONFIG_HOME/git`.
 */
function configurationDirectory(): string {
  const configured = process.env["XDG_CONFIG_HOME"];
  return path.join(configured || path.join(homeDirectory() ?? "/", ".config"), "git");
}

/** Returns the content of a file; undefined if it cannot be read, because git ignores such a file, too. */
async function readable(file: string): Promise<string | undefined> {
  return await readTextIfExists(file).catch(() => undefined);
}
