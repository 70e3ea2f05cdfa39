/**
 * A stand-in for opp_makemake 6.2: the Makefile that it writes "builds" a program that starts the stand-in's opp_run, and fails
 * like a compiler if a source file has a line that begins with `#error`.
 */
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import process from "node:process";

/** Options that take a value. */
const WITH_VALUE = new Set(
  ["-e", "-o", "-O", "-X", "-d", "-P", "-M", "-D", "-K", "-u", "-I", "-L", "-l", "-p", "-i"].concat(
    [
      "--ext",
      "--output",
      "--name",
      "--output-dir",
      "--except",
      "--subdir",
      "--projectdir",
      "--mode",
      "--define",
    ],
    [
      "--makefile-define",
      "--userinterface",
      "--includedir",
      "--libdir",
      "--lib",
      "--dll-symbol",
      "--makefragment",
    ],
  ),
);
const FLAGS = new Set(
  [
    "-h",
    "--help",
    "-f",
    "--force",
    "--deep",
    "-r",
    "--recurse",
    "-n",
    "--nolink",
    "-s",
    "--make-so",
    "-a",
    "--make-lib",
  ].concat(["-S", "--static-link", "--no-deep-includes", "--debug"]),
);

/** @param {string[]} argv */
function parse(argv) {
  /** @type {Map<string, string[]>} */
  const values = new Map();
  /** @type {Set<string>} */
  const flags = new Set();
  /** @type {string[]} */
  const unknown = [];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? "";
    const [long = "", inline] = argument.startsWith("--")
      ? argument.split(/=([^]*)/)
      : [argument.slice(0, 2), argument.slice(2)];
    if (FLAGS.has(argument)) flags.add(argument);
    else if (WITH_VALUE.has(long)) {
      const value = inline === undefined || inline === "" ? argv[++index] : inline;
      values.set(long, [...(values.get(long) ?? []), value ?? ""]);
    } else if (argument.startsWith("-")) unknown.push(argument);
  }
  return { values, flags, unknown };
}

/** @param {Map<string, string[]>} values @param {string} short @param {string} long */
function last(values, short, long) {
  return values.get(short)?.at(-1) ?? values.get(long)?.at(-1);
}

/** @param {string} directory @returns {string} the nearest folder upwards that is a project of the IDE, else the directory */
function projectOf(directory) {
  for (let folder = directory; folder !== path.dirname(folder); folder = path.dirname(folder))
    if (existsSync(path.join(folder, ".project"))) return folder;
  return directory;
}

/** @param {string} text @returns {string} an argument quoted for make and the shell */
function quotedForMake(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}

/** @param {{ name: string, isLibrary: boolean, command: string, deep: boolean, mode: string, output: string }} target */
function makefile({ name, isLibrary, command, deep, mode, output }) {
  const program = path.join(path.dirname(fileURLToPath(import.meta.url)), "bin", "opp_run");
  const depth = deep ? "" : "-maxdepth 1 ";
  const link = isLibrary
    ? `	@echo "Creating shared library: $O/$(TARGET)"
	@mkdir -p $O
	@echo "stand-in library $(TARGET)" >$O/$(TARGET)`
    : `	@echo "Creating executable: $O/$(TARGET)"
	@mkdir -p $O
	@printf '%s\\n' '#!/bin/sh' '# built by the stand-in for opp_makemake' 'STAND_IN_EXECUTABLE=$(TARGET) exec "${program}" "$$@"' >$O/$(TARGET)
	@chmod +x $O/$(TARGET)`;
  return `#
# OMNeT++/OMNEST Makefile for ${isLibrary ? "$(LIB_PREFIX)" : ""}${name}
#
# This file was generated with the command:
#  ${command}
#

LIB_PREFIX = lib
MODE ?= ${mode}
ifeq ($(MODE),debug)
D = _dbg
endif
CONFIGNAME = gcc-$(MODE)
O = ${output}/$(CONFIGNAME)
TARGET = ${isLibrary ? `$(LIB_PREFIX)${name}$(D).so` : `${name}$(D)`}
SOURCES := $(shell find . ${depth}-name '*.cc' -not -path './${output}/*' | sed 's|^\\./||' | sort)

.PHONY: all clean cleanall

all: $(TARGET)

$(TARGET): $(SOURCES) Makefile
	@for source in $(SOURCES); do \\
	  echo "$$source"; \\
	  if grep -n '^[[:space:]]*#[[:space:]]*error' "$$source" /dev/null >$(TARGET).errors; then \\
	    sed -E 's/^([^:]*:[0-9]+):(.*)$$/\\1:2: error: \\2/' $(TARGET).errors >&2; \\
	    rm -f $(TARGET).errors; \\
	    exit 1; \\
	  fi; \\
	  rm -f $(TARGET).errors; \\
	done
${link}
	@ln -f $O/$(TARGET) $(TARGET)

clean:
	@echo "Cleaning $(TARGET)"
	@rm -rf $O $(TARGET)

cleanall: clean
	@rm -rf ${output}
`;
}

/** @param {string[]} argv @returns {number} the exit code */
function main(argv) {
  const { values, flags, unknown } = parse(argv);
  if (unknown.length > 0) {
    process.stderr.write(`makemake: error: unrecognized arguments: ${unknown.join(" ")}\n`);
    return 2;
  }
  if (flags.has("-h") || flags.has("--help")) {
    process.stdout.write("usage: opp_makemake [-f] [--deep] [-o NAME] [-s | --make-so] ...\n");
    return 0;
  }
  const exists = existsSync("Makefile");
  if (exists && !flags.has("-f") && !flags.has("--force")) {
    process.stderr.write(
      `${process.argv[1] ?? "opp_makemake"}: error: use -f to force overwriting existing Makefile\n`,
    );
    return 1;
  }
  const directory = process.cwd();
  const text = makefile({
    name: last(values, "-o", "--output") ?? last(values, "", "--name") ?? path.basename(projectOf(directory)),
    isLibrary: ["-s", "--make-so"].some((flag) => flags.has(flag)),
    command: ["opp_makemake", ...argv.map(quotedForMake)].join(" "),
    deep: flags.has("--deep"),
    mode: last(values, "-M", "--mode") ?? "release",
    output: last(values, "-O", "--output-dir") ?? "out",
  });
  writeFileSync("Makefile", text);
  process.stdout.write(`${exists ? "Updating" : "Creating"} Makefile in ${directory}...\n`);
  return 0;
}

process.exitCode = main(process.argv.slice(2));
