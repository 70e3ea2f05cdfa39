import { isGeneratedSymbol } from "../../omnetpp/generated-code.ts";
import { runProgram } from "../../system/program.ts";

/** What a compiler, a linker and the C++ library put into every program. */
const OF_THE_COMPILER =
  /^(?:__bss_start|__data_start|__dso_handle|__TMC_END__|_edata|_end|data_start|completed\.\d+|DW\.ref\..*|std::.*)$/;
/** Functions of the C library that remember something until they are called again. */
const REMEMBERING =
  /^(?:s?rand(?:om)?|[dejlmn]rand48|(?:s|seed|lcong)(?:rand)?48|strtok|setenv|putenv|setlocale|chdir|dlopen)$/;
const KNOWN_LIBRARIES =
  /^(?:lib(?:opp\w+|stdc\+\+|c\+\+|c\+\+abi|m|c|gcc_s|unwind|pthread|dl|rt)|ld-linux[\w-]*)\.so/;
/** Sections that a program may write to after it has begun; `.data.rel.ro` is not among them. */
const WRITABLE = /^\.t?(?:bss|data)(?!\.rel\.ro)|COM/;

/**
 * Whether nothing in these programs and libraries can carry over from one run to the next in the same process:
 * they have no variable outside of functions and objects, and use no library but OMNeT++'s and the compiler's.
 * In doubt they are not: without the programs that tell, or without symbols.
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
  return hasKnownSymbolsAlone(symbols.stdout) && libraries.every((name) => KNOWN_LIBRARIES.test(name));
}

/** @param table of lines `name|value|class|type|size|line|section`; a name may have a `|` itself. */
function hasKnownSymbolsAlone(table: string): boolean {
  let known = 0;
  for (const line of table.split("\n")) {
    const [, name, section] = /^(.+?) *\|[^|]*\|[^|]*\|[^|]*\|[^|]*\|[^|]*\|(.*)$/.exec(line) ?? [];
    if (name === undefined || section === undefined) continue;
    if (section === "*UND*" && REMEMBERING.test(name.replace(/@.*$/, ""))) return false;
    if (!WRITABLE.test(section)) continue;
    if (!OF_THE_COMPILER.test(name) && !isGeneratedSymbol(name)) return false;
    known++;
  }
  return known > 0;
}
