import { fileURLToPath } from "node:url";

/**
 * A file of this installation. The bundler keeps this module two folders below the root, where it is here, too (rolldown.config.js).
 * @param name relative to the folder of package.json.
 */
export function installedFile(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}
