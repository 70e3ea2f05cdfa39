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
const OMNETPP_PRINTS = String.raw`Preparing for running|Assigned runID|Run statistics|\*\* Event|Calling finish|^<!>|Redirecting output`;
const OMNETPP_NAMES = String.raw`^\.(sca|vec|vci|elogi?|sna)$|^(omnetpp\.ini|runconfig)$|^--(result-dir|output-(scalar|vector)-file|eventlog-file|snapshot-file|cmdenv-|ned-path|load-libs)`;
const OMNETPP_FORMATS = {
  selector: [
    `Literal[value=/${OMNETPP_PRINTS}|${OMNETPP_NAMES}/]`,
    String.raw`Literal[regex.pattern=/${OMNETPP_PRINTS}|\b(sca|vec|vci|elogi?)\b|^\^--\(/]`,
    `TemplateElement[value.raw=/${OMNETPP_PRINTS}|${OMNETPP_NAMES}/]`,
  ].join(", "),
  message: "OMNeT++'s formats are known in src/omnetpp only.",
};
const KIND_OF_SWARM = {
  selector: ":matches(BinaryExpression, SwitchStatement) > MemberExpression[property.name='target']",
  message: "What depends on the kind of a swarm belongs into its provider: see providers/provider.",
};

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
    rules: { "no-restricted-syntax": ["error", PROCESS_EXIT, BULL_LAYOUT, OMNETPP_FORMATS] },
  },
  {
    files: ["src/queue/bull-layout.ts"],
    rules: { "no-restricted-syntax": ["error", PROCESS_EXIT, OMNETPP_FORMATS] },
  },
  {
    files: ["src/omnetpp/**/*.ts"],
    rules: { "no-restricted-syntax": ["error", PROCESS_EXIT, BULL_LAYOUT] },
  },
  {
    files: ["src/cli/**/*.ts"],
    rules: {
      "no-restricted-syntax": ["error", PROCESS_EXIT, BULL_LAYOUT, OMNETPP_FORMATS, KIND_OF_SWARM],
    },
  },
  { files: ["**/*.js", "**/*.mjs"], rules: { "@typescript-eslint/explicit-function-return-type": "off" } },
);
