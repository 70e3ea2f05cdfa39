import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

/**
 * The rows of the layer diagram in docs/architecture.md. A module imports from rows below its own, never
 * from its own row (other than its own folder) and never from a row above.
 */
const ROWS = [
  ["cli"],
  ["campaign", "worker", "providers", "dashboard"],
  ["project", "omnetpp", "queue", "stores"],
  ["model", "system", "errors"],
];

function layerRules() {
  return ROWS.flatMap((row, index) =>
    row.flatMap((folder) => {
      const forbidden = ROWS.slice(0, index + 1)
        .flat()
        .filter((other) => other !== folder && other !== "errors");
      return forbidden.length === 0 ? [] : restrict(folder, forbidden);
    }),
  );
}

/**
 * @param {string} folder
 * @param {string[]} forbidden
 * @returns {import("eslint").Linter.Config}
 */
function restrict(folder, forbidden) {
  return {
    files: [`src/${folder}/**/*.ts`],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: forbidden.map((other) => `**/${other}/**`),
              message: `src/${folder} may not import from ${forbidden.join(", ")}: see docs/architecture.md, "Layers".`,
            },
          ],
        },
      ],
    },
  };
}

export default defineConfig(
  { ignores: ["dist/", "node_modules/", "test/fixtures/", "coverage/", "examples/**/results/", ".cache/"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "no-undef": "off", // the compiler knows better
      "@typescript-eslint/no-non-null-assertion": "off",
      "no-restricted-syntax": [
        "error",
        {
          selector: "CallExpression[callee.object.name='process'][callee.property.name='exit']",
          message: "Set process.exitCode in bin/, or throw: the library never ends the process.",
        },
      ],
    },
  },
  { files: ["src/**/*.ts"], ignores: ["src/cli/**"], rules: { "no-console": "error" } },
  ...layerRules(),
  { files: ["**/*.js", "**/*.mjs"], rules: { "@typescript-eslint/explicit-function-return-type": "off" } },
);
