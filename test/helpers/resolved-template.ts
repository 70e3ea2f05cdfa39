import { readFile } from "node:fs/promises";
import { parse, type Tags } from "yaml";
import { installedFile } from "../../src/system/installation.ts";

/** The template as CloudFormation reads it: functions are objects such as `{ Ref: "Vpc" }`. */
export interface Template {
  Parameters: Record<string, { Type: string; Default?: unknown }>;
  Mappings: Record<string, Record<string, Record<string, number>>>;
  Conditions: Record<string, unknown>;
  Resources: Record<string, TemplateResource>;
}

interface TemplateResource {
  Type: string;
  Condition?: string;
  DeletionPolicy?: string;
  Properties: Record<string, unknown>;
}

/** The short forms of CloudFormation's functions, such as !Ref. */
const FUNCTIONS = ["Ref", "Sub", "FindInMap", "If", "Equals", "Not", "GetAtt", "Select", "GetAZs"];
const TAGS: Tags = FUNCTIONS.flatMap((name) => [
  { tag: `!${name}`, resolve: (value: string) => ({ [name]: value }) },
  {
    tag: `!${name}`,
    collection: "seq" as const,
    resolve: (value: { toJSON: () => unknown }) => ({ [name]: value.toJSON() }),
  },
]);

/** Reads the template of swarms. */
export async function readSwarmTemplate(): Promise<Template> {
  const text = await readFile(installedFile("cloudformation/swarm.yaml"), "utf8");
  return parse(text, { customTags: TAGS }) as Template;
}

/** Returns the names of the resources to which a value refers. */
export function referencesIn(template: Template, value: unknown): Set<string> {
  const found = new Set<string>();
  const visit = (inner: unknown): void => {
    if (typeof inner !== "object" || inner === null) return;
    for (const [key, operand] of Object.entries(inner)) {
      if (key === "Ref" || key === "GetAtt") found.add(String(operand).split(".")[0]!);
      if (key === "Sub")
        for (const [, name] of String(operand).matchAll(/\$\{([^!}.]+)[^}]*\}/g)) found.add(name!);
      visit(operand);
    }
  };
  visit(value);
  return new Set([...found].filter((name) => name in template.Resources));
}

/** Resolves CloudFormation's functions, with the values of parameters, and the names of resources as their ids. */
export class Resolver {
  readonly #template: Template;
  readonly #values: Record<string, string>;

  constructor(template: Template, values: Record<string, string>) {
    const defaults = Object.entries(template.Parameters).flatMap(([name, { Default }]) =>
      Default === undefined ? [] : [[name, String(Default as string | number)]],
    );
    this.#template = template;
    this.#values = { ...(Object.fromEntries(defaults) as Record<string, string>), ...values };
  }

  resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.resolve(each));
    if (typeof value !== "object" || value === null) return value;
    const [name = "", operand] = Object.entries(value)[0] ?? [];
    if (Object.keys(value).length === 1 && FUNCTIONS.includes(name)) return this.#call(name, operand);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.resolve(inner)]));
  }

  /** Returns whether a condition of the template holds. */
  holds(condition: string): boolean {
    return this.resolve(this.#template.Conditions[condition]) === true;
  }

  #call(name: string, operand: unknown): unknown {
    const operands = [operand].flat();
    switch (name) {
      case "Ref":
        return this.#ref(String(operand));
      case "Sub":
        return String(operand).replace(/\$\{([^}!]+)\}/g, (_, key: string) => this.#ref(key));
      case "GetAtt":
        return operand;
      case "GetAZs":
        return [`${this.#ref("AWS::Region")}a`];
      case "Select":
        return (this.resolve(operands[1]) as unknown[])[Number(operands[0])];
      case "If":
        return this.resolve(this.holds(String(operands[0])) ? operands[1] : operands[2]);
      case "Equals":
        return this.resolve(operands[0]) === this.resolve(operands[1]);
      case "Not":
        return this.resolve(operands[0]) !== true;
      case "FindInMap": {
        const [map, key, column] = operands.map((each) => String(this.resolve(each)));
        return this.#template.Mappings[map!]![key!]![column!];
      }
      default:
        throw new Error(`the function ${name} of a template is not modelled`);
    }
  }

  #ref(name: string): string {
    if (name in this.#template.Resources) return name;
    const value = this.#values[name];
    if (value === undefined && name !== "AWS::NoValue") throw new Error(`the template refers to ${name}`);
    return value ?? "";
  }
}
