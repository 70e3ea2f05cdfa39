import { runProgram } from "../../system/program.ts";

/** Symbols that a compiler, a linker and the C++ library put into every program. */
const OF_THE_COMPILER =
  /^(?:__bss_start|__data_start|__dso_handle|__TMC_END__|_edata|_end|data_start|completed\.\d+|DW\.ref\..*|std::.*)$/;
/** Symbols from OMNeT++'s macros and its message compiler: initialised once, independent of the runs. */
const OF_OMNETPP =
  /(?:^|::)__onstartup_(?:obj|func)_\d+$|Descriptor::\w+\(.*\) const::(?:names|fieldNames|fieldTypeStrings)$/;
/** Functions of the C library that change state of the process. */
const STATEFUL =
  /^(?:s?rand(?:om)?|[dejlmn]rand48|(?:s|seed|lcong)(?:rand)?48|strtok|setenv|putenv|setlocale|chdir|dlopen)$/;
const KNOWN_LIBRARIES =
  /^(?:lib(?:opp\w+|stdc\+\+|c\+\+|c\+\+abi|m|c|gcc_s|unwind|pthread|dl|rt)|ld-linux[\w-]*)\.so/;
/** Sections that are writable while the program runs; `.data.rel.ro` is not. */
const WRITABLE = /^\.t?(?:bss|data)(?!\.rel\.ro)|COM/;

/**
 * Returns whether no state of these programs and libraries can carry over from one run to the next in the
 * same process: they have no writable global or static variables, call no stateful C functions, and use only
 * the libraries of OMNeT++ and the compiler. Files without symbols count as stateful.
 * @throws if binutils are not installed.
 * @see nm(1), readelf(1) of GNU binutils.
 */
export async function areStateless(files: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  if (files.length === 0) return false;
  const [symbols, dynamic] = await Promise.all([
    runProgram("nm", ["-C", "-f", "sysv", ...files], { env }),
    runProgram("readelf", ["-d", ...files], { env }),
  ]);
  if (symbols.exitCode !== 0 || dynamic.exitCode !== 0) return false;
  const libraries = [...dynamic.stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name!);
  return hasOnlyKnownSymbols(symbols.stdout) && libraries.every((name) => KNOWN_LIBRARIES.test(name));
}

/**
 * Returns whether all writable symbols are known to be harmless, and there are any.
 * @param table lines `name|value|class|type|size|line|section`; a name may contain a `|`.
 */
function hasOnlyKnownSymbols(table: string): boolean {
  let known = 0;
  for (const line of table.split("\n")) {
    const [, name, section] = /^(.+?) *\|[^|]*\|[^|]*\|[^|]*\|[^|]*\|[^|]*\|(.*)$/.exec(line) ?? [];
    if (name === undefined || section === undefined) continue;
    if (section === "*UND*" && STATEFUL.test(name.replace(/@.*$/, ""))) return false;
    if (!WRITABLE.test(section)) continue;
    if (!OF_THE_COMPILER.test(name) && !OF_OMNETPP.test(name)) return false;
    known++;
  }
  return known > 0;
}
