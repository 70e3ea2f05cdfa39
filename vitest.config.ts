import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    restoreMocks: true,
    expect: { poll: { timeout: 30_000 } }, // on a busy machine a second is nothing
  },
});
