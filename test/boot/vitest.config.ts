import path from "node:path";
import { defineConfig } from "vitest/config";

// Not part of `npm test`: see scripts/test-boot.js.
export default defineConfig({
  test: {
    root: path.join(import.meta.dirname, "../.."),
    include: ["test/boot/*.boot.ts"],
    fileParallelism: false, // one virtual machine needs both processors
    reporters: ["verbose"], // each test takes minutes
    bail: 1, // each test continues with the machine of the one before
    testTimeout: 30 * 60_000,
    hookTimeout: 10 * 60_000,
  },
});
