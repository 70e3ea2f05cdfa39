import { closeSync, openSync, writeSync } from "node:fs";
import process from "node:process";
import { makeDirectoryOf, orFail, removeOld } from "./files.js";
import { quoted } from "./format.js";

/** @typedef {import("./config.js").ActiveRun} ActiveRun */

const VERSIONS = "ov 1538 ev 2";

/** The network before its first event, as OMNeT++ 6.2 describes it. */
const NETWORK = [
  "E # 0 t 0 m 1 ce -1 msg -1",
  "MC id 1 c omnetpp::cModule t mm1.Mm1 n Mm1 cm 1",
  "MC id 2 c mm1::Source t mm1.Source pid 1 n source",
  "MC id 3 c mm1::Queue t mm1.Queue pid 1 n queue",
  "MC id 4 c mm1::Sink t mm1.Sink pid 1 n sink",
  "CC sm 2 sg 1 dm 3 dg 0",
  "CC sm 3 sg 3 dm 4 dg 0",
  "",
];

/**
 * Writes the beginning of an event log and its end, without the events between them. If none is recorded, removes an
 * earlier one.
 * @param {ActiveRun} run
 * @returns {() => void} must be called when the run has ended
 */
export function openEventlog(run) {
  const file = run.file("eventlog-file");
  if (!run.isOn("record-eventlog")) {
    removeOld(file, "eventlog file");
    return () => undefined;
  }
  makeDirectoryOf(file);
  const fd = orFail(() => openSync(file, "w"), `Cannot open eventlog file \`${file}' for write`);
  // this line is not redirected, nor is it in OMNeT++
  process.stdout.write(`Recording eventlog to file \`${file}'...\n`);
  writeSync(fd, `SB ${VERSIONS} rid ${quoted(run.variable("runid"))}\n\n${NETWORK.join("\n")}\n`);
  return () => {
    writeSync(fd, 'SE e 0 c -1 m ""\n');
    closeSync(fd);
  };
}
