import path from "node:path";
import { contentOf } from "../../system/files.ts";
import { configuredNames, configuredPath } from "./commands/configuration.ts";
import type { Checkout } from "./git.ts";
import { homeDirectory } from "../../system/user.ts";

/** What the user's configuration of git says about files that we read. */
export interface UserSettings {
  /** Files of patterns that are ignored besides those of `.gitignore` files, the least important first. */
  excludeFiles: string[];
  /** Attributes that are not those of `.gitattributes` files in the checkout. */
  attributes: string;
  /** Names of the programs that git has files pass, but for that of Git LFS. */
  filters: string[];
}

/** Reads the configuration and nothing else: no program that it names is executed. */
export async function readUserSettings(checkout: Checkout, signal?: AbortSignal): Promise<UserSettings> {
  const { top: cwd, excludeFile, attributesFile } = checkout;
  const names = await configuredNames({ cwd, signal });
  const place = async (name: string, file: string): Promise<string> => {
    if (!names.has(name.toLowerCase())) return path.join(configurationDirectory(), file);
    return path.resolve(cwd, await configuredPath(name, { cwd, signal }));
  };
  const ignore = await place("core.excludesFile", "ignore");
  const own = await place("core.attributesFile", "attributes");
  const texts = await Promise.all(["/etc/gitattributes", own, attributesFile].map(readable));
  const excluded = await Promise.all([ignore, excludeFile].map(readable));
  const filters = [...names].flatMap(
    (name) => /^filter\.(.+)\.(?:clean|smudge|process)$/s.exec(name)?.[1] ?? [],
  );
  return {
    excludeFiles: [ignore, excludeFile].filter((_, at) => excluded[at] !== undefined),
    attributes: texts.join("\n"),
    filters: [...new Set(filters)].filter((name) => name !== "lfs"),
  };
}

/** @see gitignore(5), gitattributes(5): `$XDG_CONFIG_HOME/git`. */
function configurationDirectory(): string {
  const configured = process.env["XDG_CONFIG_HOME"];
  return path.join(configured || path.join(homeDirectory() ?? "/", ".config"), "git");
}

/** Git, too, passes over one that cannot be read. */
async function readable(file: string): Promise<string | undefined> {
  return await contentOf(file).catch(() => undefined);
}
