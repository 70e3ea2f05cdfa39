import { readFileSync } from "node:fs";
import { outputOf } from "./program.ts";

/**
 * Returns the pids of all child processes of a process, and of theirs; none if the operating system does not provide
 * them.
 */
export function descendantsOf(pid: number, platform: NodeJS.Platform = process.platform): number[] {
  const children = platform === "linux" ? childrenOf : childrenIn(parents());
  const visit = (each: number): number[] => children(each).flatMap((child) => [child, ...visit(child)]);
  return visit(pid);
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim();
    return text === "" ? [] : text.split(" ").map(Number);
  } catch {
    return []; // it has ended
  }
}

/** Returns the pids of processes with those of their parents, as ps(1) shows them. */
function parents(): [pid: number, parent: number][] {
  const text = outputOf("ps", ["-ax", "-o", "pid=,ppid="]) ?? "";
  return text.split("\n").flatMap((line) => {
    const [pid, parent] = line.trim().split(/\s+/).map(Number);
    return pid !== undefined && parent !== undefined ? [[pid, parent]] : [];
  });
}

function childrenIn(all: readonly (readonly [number, number])[]): (pid: number) => number[] {
  return (pid) => all.filter(([, parent]) => parent === pid).map(([child]) => child);
}
