import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

const PROCESS_EXIT = {
  selector: "CallExpression[callee.object.name='process'][callee.property.name='exit']",
  message: "Set process.exitCode in bin/, or throw: the library never ends the process.",
};
const BULL_LAYOUT = {
  selector: String.raw`Literal[value=/^bull:|^(processedOn|finishedOn|returnvalue|failedReason)$/], TemplateElement[value.raw=/^bull:/]`,
  message: "BullMQ's keys and fields are known in src/queue/bull-layout.ts only.",
};
const KIND_OF_SWARM = {
  selector: ":matches(BinaryExpression, SwitchStatement) > MemberExpression[property.name='target']",
  message: "What depends on the kind of a swarm belongs into its provider: see providers/provider.",
};
const IMPORT = ":matches(ImportDeclaration, ImportExpression, ExportNamedDeclaration, ExportAllDeclaration)";
const PROGRAMS = {
  selector: String.raw`${IMPORT}[source.value=/^(node:)?child_process$|^execa$/]`,
  message: "Programs are started by src/system/program.ts only.",
};
const GIT = [
  `${IMPORT}[source.value="simple-git"]`,
  'CallExpression[callee.name=/^(runProgram|runLogged|startPiped|startLeader|outputOf)$/][arguments.0.value="git"]',
].map((selector) => ({ selector, message: "Git is asked by src/project/git/commands only." }));

// Which folder imports from which is checked by dependency-cruiser.config.js.
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
      "no-restricted-syntax": ["error", PROCESS_EXIT],
    },
  },
  { files: ["src/**/*.ts"], ignores: ["src/cli/**"], rules: { "no-console": "error" } },
  {
    files: ["src/**/*.ts"],
    ignores: ["src/queue/bull-layout.ts"],
    rules: { "no-restricted-syntax": ["error", PROCESS_EXIT, PROGRAMS, ...GIT, BULL_LAYOUT] },
  },
  {
    files: ["src/cli/**/*.ts"],
    rules: { "no-restricted-syntax": ["error", PROCESS_EXIT, PROGRAMS, ...GIT, BULL_LAYOUT, KIND_OF_SWARM] },
  },
  {
    files: ["src/system/program.ts"],
    rules: { "no-restricted-syntax": ["error", PROCESS_EXIT, ...GIT, BULL_LAYOUT] },
  },
  {
    files: ["src/project/git/commands/*.ts"],
    rules: { "no-restricted-syntax": ["error", PROCESS_EXIT, PROGRAMS, BULL_LAYOUT] },
  },
  { files: ["**/*.js", "**/*.mjs"], rules: { "@typescript-eslint/explicit-function-return-type": "off" } },
);
