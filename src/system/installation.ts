import { fileURLToPath } from "node:url";

/**
 * Returns the absolute path of a file of this installation. In the bundle, this module is also two folders below the root
 * (rolldown.config.js).
 * @param name path relative to the folder of package.json.
 */
export function installedFile(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}
