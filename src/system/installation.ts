import { fileURLToPath } from "node:url";

/**
 * A file of this installation. The bundler moves modules about, but keeps them two folders below the root.
 * @param name relative to the folder of package.json.
 */
export function installedFile(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}
