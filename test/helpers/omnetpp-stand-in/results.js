import { closeSync, fstatSync, openSync, statSync, writeSync } from "node:fs";
import { OppError } from "./errors.js";
import { quantity } from "./expression.js";
import { indexName, makeDirectoryOf, orFail, removeOld } from "./files.js";
import { general, quoted, simTime } from "./format.js";
import { splitTopLevel } from "./scenario.js";
import { Tally } from "./queue-model.js";

/** @typedef {import("./config.js").ActiveRun} ActiveRun */
/** @typedef {import("./queue-model.js").QueueModel} QueueModel */

const ATTRIBUTES = (
  "configname datetime datetimef experiment inifile iterationvars iterationvarsd iterationvarsf " +
  "measurement network processid repetition replication resultdir runnumber seedset"
).split(" ");

/** @param {ActiveRun} run */
function header(run) {
  const itervars = [...run.assignment].filter(([name]) => name !== "repetition");
  return [
    "version 3",
    `run ${run.variable("runid")}`,
    ...ATTRIBUTES.map((name) => `attr ${name} ${quoted(run.variable(name))}`),
    ...itervars.map(([name, value]) => `itervar ${name} ${quoted(value)}`),
    ...run.entries.map(({ key, value }) => `config ${key} ${quoted(plainText(key, value))}`),
    "",
    "",
  ].join("\n");
}

/** Options, unlike parameters, are recorded without the quotes of the ini file. @param {string} key @param {string} value */
function plainText(key, value) {
  return key.includes(".") ? value : value.replace(/^"([^"]*)"$/, "$1");
}

/** Removes what an earlier run of the same names left, as OMNeT++ does when its network is initialized. @param {ActiveRun} run */
export function removeOldScalars(run) {
  if (!run.isOn("output-scalar-file-append")) removeOld(run.file("output-scalar-file"), "output scalar file");
  removeOld(run.file("snapshot-file"), "snapshot file");
}

const VECTORS = [
  {
    id: 0,
    name: "queueLength",
    attributes: ["interpolationmode sample-hold", "recordingmode vector", 'title "jobs that wait"'],
  },
  {
    id: 1,
    name: "waitingTime",
    attributes: ["recordingmode vector", 'title "time before service"', "unit s"],
  },
];

/** Lines that are buffered before they are written as one block. */
const BLOCK_LINES = 20_000;

const NO_APPEND =
  "omnetpp::envir::OmnetppOutputVectorManager does not support append mode -- in module (omnetpp::cModule) Mm1 (id=1), during network initialization";

/** The `.vec` file and its index, written during the simulation; both exist from its start. */
export class VectorFiles {
  #run;
  /** @type {{ fd: number, index: number, size: number } | undefined} */
  #open;
  #file;

  /** @param {ActiveRun} run */
  constructor(run) {
    this.#run = run;
    if (run.isOn("output-vector-file-append")) throw new OppError(NO_APPEND);
    this.#file = run.file("output-vector-file");
    removeOld(this.#file, "output vector file");
    const declared = VECTORS.filter(({ name }) =>
      isRecorded(run, `Mm1.queue.${name}`, "statistic-recording"),
    );
    const declarations = declared.map(
      ({ id, name, attributes }) =>
        `vector ${id} Mm1.queue ${name}:vector ETV\n${attributes.map((each) => `attr ${each}\n`).join("")}`,
    );
    if (declared.length > 0) this.#create(header(run) + declarations.join(""));
    const ids = new Set(declared.map(({ id }) => id));
    this.queueLength = this.#vector(0, "queueLength", ids);
    this.waitingTime = this.#vector(1, "waitingTime", ids);
  }

  /** @param {string} head */
  #create(head) {
    makeDirectoryOf(this.#file);
    const fd = orFail(() => openSync(this.#file, "w"), `Cannot open output vector file '${this.#file}'`);
    const indexFile = indexName(this.#file);
    const index = orFail(() => openSync(indexFile, "w"), `Cannot open index file '${indexFile}'`);
    this.#open = { fd, index, size: writeSync(fd, head) };
    writeSync(index, `${" ".repeat(64)}\n${head}`);
  }

  /** @param {number} id @param {string} name @param {Set<number>} declared */
  #vector(id, name, declared) {
    const intervals = declared.has(id) ? windows(this.#run, `Mm1.queue.${name}:vector`) : [];
    return new Vector(this, id, intervals);
  }

  /** @param {number} id @param {string} lines @param {(string | number)[]} statistics */
  writeBlock(id, lines, statistics) {
    if (!this.#open) return;
    const length = writeSync(this.#open.fd, lines);
    writeSync(this.#open.index, `${id}\t${this.#open.size} ${length} ${statistics.join(" ")}\n`);
    this.#open.size += length;
  }

  /** The index's first line names the state of the `.vec` file to which it belongs. */
  close() {
    this.queueLength.flush();
    this.waitingTime.flush();
    if (!this.#open) return;
    writeSync(this.#open.fd, "\n");
    closeSync(this.#open.fd);
    const { size, mtimeMs } = statSync(this.#file);
    writeSync(this.#open.index, "\n");
    writeSync(this.#open.index, `file ${size} ${Math.floor(mtimeMs / 1000)}`.padEnd(64), 0);
    closeSync(this.#open.index);
  }
}

/** @param {ActiveRun} run @param {string} path @param {string} kind such as `scalar-recording` */
function isRecorded(run, path, kind) {
  return run.ofObject(`${path}.${kind}`) !== "false";
}

/** Intervals in which a vector is recorded. @param {ActiveRun} run @param {string} path @returns {[number, number][]} */
function windows(run, path) {
  if (run.ofObject(`${path}.vector-recording`) === "false" || !run.isOn("record-vector-results")) return [];
  const intervals = run.ofObject(`${path}.vector-recording-intervals`);
  if (intervals === undefined) return [[0, Infinity]];
  return splitTopLevel(intervals, ",").map((interval) => {
    const [from = "", to = ""] = interval.split("..").map((part) => part.trim());
    return [from === "" ? 0 : quantity(from), to === "" ? Infinity : quantity(to)];
  });
}

class Vector {
  #files;
  #id;
  #windows;
  /** @type {string[]} */
  #lines = [];
  #tally = new Tally();
  #first = { event: 0, time: 0 };
  #last = { event: 0, time: 0 };

  /** @param {VectorFiles} files @param {number} id @param {[number, number][]} windows */
  constructor(files, id, windows) {
    this.#files = files;
    this.#id = id;
    this.#windows = windows;
  }

  /** @param {number} event @param {number} time @param {number} value */
  record(event, time, value) {
    if (!this.#windows.some(([from, to]) => time >= from && time <= to)) return;
    if (this.#lines.length === 0) this.#first = { event, time };
    this.#last = { event, time };
    this.#tally.add(value);
    this.#lines.push(`${this.#id}\t${event}\t${simTime(time)}\t${general(value, 14)}\n`);
    if (this.#lines.length >= BLOCK_LINES) this.flush();
  }

  flush() {
    if (this.#lines.length === 0) return;
    const { count, min, max, sum, squares } = this.#tally;
    const values = [min, max, sum, squares].map((value) => general(value, 14));
    this.#files.writeBlock(this.#id, this.#lines.join(""), [
      ...[this.#first.event, this.#last.event, simTime(this.#first.time), simTime(this.#last.time), count],
      ...values,
    ]);
    this.#lines = [];
    this.#tally = new Tally();
  }
}

/**
 * Writes the `.sca` file: only a run that reached its end, or was interrupted, leaves one.
 * @param {ActiveRun} run @param {QueueModel} model @param {{ arrivalRate: string, serviceRate: string }} parameters
 */
export function writeScalars(run, model, parameters) {
  const file = run.file("output-scalar-file");
  makeDirectoryOf(file);
  const lines = scalarLines(run, model, parameters).map((line) => `${line}\n`);
  const fd = orFail(() => openSync(file, "a"), `Cannot open output scalar file '${file}'`);
  // a file to which runs append has its version line once
  const head = fstatSync(fd).size === 0 ? header(run) : header(run).replace(/^version.*\n/, "");
  writeSync(fd, head + lines.join(""));
  closeSync(fd);
}

/** @param {ActiveRun} run @param {QueueModel} model @param {{ arrivalRate: string, serviceRate: string }} parameters */
function scalarLines(run, model, parameters) {
  /** @param {string} path @param {string} kind */
  const recorded = (path, kind) => isRecorded(run, path, kind);
  /** @param {string} module @param {string} name @param {string} value */
  const parameter = (module, name, value) =>
    recorded(`${module}.${name}`, "param-recording") ? [`par ${module} ${name} ${value}`] : [];
  /**
   * @param {string} module @param {string} statistic @param {string} mode @param {number} value
   * @param {string} title @param {{ unit?: string, interpolation?: boolean }} [extra]
   */
  const scalar = (module, statistic, mode, value, title, { unit, interpolation } = {}) =>
    recorded(`${module}.${statistic}`, "statistic-recording") &&
    recorded(`${module}.${statistic}:${mode}`, "scalar-recording")
      ? [
          `scalar ${module} ${statistic}:${mode} ${general(value, 14)}`,
          ...(interpolation ? ["attr interpolationmode sample-hold"] : []),
          `attr recordingmode ${mode}`,
          `attr title ${quoted(`${title}, ${mode}`)}`,
          ...(unit === undefined ? [] : [`attr unit ${unit}`]),
        ]
      : [];
  const { waitingTime, lifeTime, time } = model;
  const [queue, sink] = ["Mm1.queue", "Mm1.sink"];
  const before = { unit: "s" };
  const held = { interpolation: true };
  return [
    ...parameter("Mm1.source", "typename", '"\\"mm1.Source\\""'),
    ...parameter("Mm1.source", "arrivalRate", parameters.arrivalRate),
    ...parameter(queue, "typename", '"\\"mm1.Queue\\""'),
    ...parameter(queue, "serviceRate", parameters.serviceRate),
    ...scalar(queue, "waitingTime", "count", waitingTime.count, "time before service", before),
    ...scalar(queue, "waitingTime", "mean", waitingTime.mean, "time before service", before),
    ...scalar(
      queue,
      "waitingTime",
      "max",
      waitingTime.count > 0 ? waitingTime.max : NaN,
      "time before service",
      before,
    ),
    ...statistic(
      waitingTime,
      recorded(`${queue}.waitingTime`, "statistic-recording") &&
        recorded(`${queue}.waitingTime:stats`, "scalar-recording"),
    ),
    ...scalar(queue, "busy", "timeavg", model.busy.until(time), "server busy", held),
    ...scalar(queue, "queueLength", "timeavg", model.queueLength.until(time), "jobs that wait", held),
    ...scalar(queue, "queueLength", "max", model.longestQueue, "jobs that wait", held),
    ...parameter(sink, "typename", '"\\"mm1.Sink\\""'),
    ...scalar(sink, "lifeTime", "mean", lifeTime.mean, "time in the network", before),
    ...scalar(
      sink,
      "lifeTime",
      "max",
      lifeTime.count > 0 ? lifeTime.max : NaN,
      "time in the network",
      before,
    ),
    ...parameter("Mm1", "typename", '"\\"mm1.Mm1\\""'),
    "",
  ];
}

/** @param {Tally} tally @param {boolean} recorded */
function statistic(tally, recorded) {
  if (!recorded) return [];
  const { count, mean, deviation, min, max, sum, squares } = tally;
  const fields = Object.entries({ count, mean, stddev: deviation, min, max, sum, sqrsum: squares });
  return [
    "statistic Mm1.queue waitingTime:stats",
    ...fields.map(([name, value]) => `field ${name} ${general(value, 14)}`),
    "attr recordingmode stats",
    'attr title "time before service"',
    "attr unit s",
  ];
}
