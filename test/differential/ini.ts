import {
  EVENTLOG_FILES,
  OUTPUT_FILES,
  RESULT_DIRECTORIES,
  SCALAR_FILES,
  VECTOR_FILES,
  type Shape,
} from "./shape.ts";

type Entries = Record<string, string>;

/** The ini files of a study, by their paths within the checkout, which is WORLD/up/checkout. */
export function iniFiles(shape: Shape, world: string): Record<string, string> {
  const inWorld = (text: string): string => text.replaceAll("WORLD", world);
  const general: Entries = {
    network: "mm1.Mm1",
    "sim-time-limit": "5s",
    repeat: `${shape.repeat}`,
    "*.source.arrivalRate": shape.iterated ? "${rate=0.5, 0.7}" : "0.5",
    ...fileOptions(shape),
  };
  const config = shape.namedIn === "config" ? resultDirectoryOptions(shape) : {};
  if (shape.namedIn === "ini") Object.assign(general, resultDirectoryOptions(shape));
  const configs = ["A", "B"].slice(0, shape.configs).map((name) => section(`Config ${name}`, config));
  const all = inWorld(section("General", general) + configs.join(""));
  switch (shape.ini) {
    case "study":
      return { "study/omnetpp.ini": all };
    case "folder":
      return { "study/sub/x.ini": all, "study/omnetpp.ini": "[General]\n" };
    case "included":
      return { "common/base.ini": all, "study/omnetpp.ini": "include ../common/base.ini\n" };
  }
}

function section(heading: string, entries: Entries): string {
  const lines = Object.entries(entries).map(([key, value]) => `${key} = ${value}\n`);
  return `[${heading}]\n${lines.join("")}\n`;
}

function resultDirectoryOptions({ resultDirectory, subdivision }: Shape): Entries {
  const { value } = RESULT_DIRECTORIES[resultDirectory];
  return {
    ...(value !== "" && { "result-dir": value }),
    ...(subdivision && { "resultdir-subdivision": "true" }),
  };
}

function fileOptions(shape: Shape): Entries {
  const named = Object.entries({
    "output-scalar-file": SCALAR_FILES[shape.scalars],
    "output-vector-file": VECTOR_FILES[shape.vectors],
    "cmdenv-output-file": OUTPUT_FILES[shape.output],
    "eventlog-file": EVENTLOG_FILES[shape.eventlog],
  }).filter(([, value]) => value !== "");
  return {
    ...Object.fromEntries(named),
    ...(shape.scalars === "append" && { "output-scalar-file-append": "true" }),
    ...(shape.vectors === "none" && { "**.vector-recording": "false" }),
    ...(shape.eventlog !== "off" && { "record-eventlog": "true" }),
    ...(shape.appendHost && { "fname-append-host": "true" }),
    ...(shape.redirect.startsWith("ini ") && { "cmdenv-redirect-output": shape.redirect.slice(4) }),
  };
}

/** The command's arguments for one config, without the program. */
export function commandArguments(shape: Shape, config: string, world: string): string[] {
  const options = Object.entries(shape.namedIn === "arguments" ? resultDirectoryOptions(shape) : {});
  return [
    ...(shape.ini === "folder" ? ["-f", "sub/x.ini"] : []),
    ...["-n", "ned", "-c", config],
    ...(shape.filter === "" ? [] : ["-r", shape.filter]),
    ...options.map(([key, value]) =>
      `--${key}=${value.replace(/^"(.*)"$/, "$1")}`.replaceAll("WORLD", world),
    ),
    ...(shape.redirect.startsWith("arguments ")
      ? [`--cmdenv-redirect-output=${shape.redirect.slice("arguments ".length)}`]
      : []),
  ];
}

/** The result directory, or its part without variables, relative to the study; for absolute ones a separate folder. */
export function resultBase(shape: Shape): string {
  const { base } = RESULT_DIRECTORIES[shape.resultDirectory];
  return shape.ini === "folder" ? `sub/${base}` : base;
}
