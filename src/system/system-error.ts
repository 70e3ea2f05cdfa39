import { lstatSync, statSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { getSystemErrorMap } from "node:util";
import { errorCode, errorText, UserError } from "../errors.ts";
import { diskIsFull } from "./disk.ts";
import { isTemporary } from "./files.ts";
import { cacheDirectory, isInside, stateDirectory } from "./paths.ts";

/** Verb phrases for messages, by the system call that failed. */
const ATTEMPTS: Readonly<Record<string, string>> = {
  access: "access",
  chmod: "change the mode of",
  copyfile: "copy",
  fsync: "write",
  ftruncate: "write",
  link: "create",
  lstat: "access",
  mkdir: "create the folder",
  mkdtemp: "create the folder",
  open: "open",
  opendir: "read the folder",
  read: "read",
  readlink: "read the link",
  realpath: "access",
  rename: "rename",
  rm: "remove",
  rmdir: "remove the folder",
  scandir: "read the folder",
  stat: "access",
  statfs: "access the file system of",
  symlink: "create the link",
  unlink: "remove",
  utime: "change the time of",
  write: "write",
};

/** Returns a hint about an error that concerns a file. */
type Advice = (file: string) => string;

const permission: Advice = (file) => `check the owner and the permissions of ${firstExisting(file)}`;
const later =
  (what: string): Advice =>
  () =>
    `${what}, then run the command again`;

/** Hints for errors that are not caused by our code, by error code. */
const ADVICE: Readonly<Record<string, Advice>> = {
  EACCES: permission,
  EPERM: permission,
  EROFS: (file) => `the file system of ${firstExisting(file)} is read-only: use another place, or remount it`,
  ENOSPC: (file) =>
    `free some space${file === "" ? fullPlaces() : ` on the file system of ${firstExisting(file)}`}, then run the command again`,
  EDQUOT: later("free some space or ask for a larger quota"),
  ENOTDIR: (file) => `${firstExisting(file)} is not a folder: move it away or rename it`,
  EISDIR: (file) => `expected a file, not a folder${file === "" ? "" : `: move ${file} away or rename it`}`,
  EEXIST: (file) => `move ${file} away or rename it`,
  ENOTEMPTY: (file) => `something else writes into ${file}: stop it, then run the command again`,
  ELOOP: (file) => `remove the symbolic link that leads to itself in ${file}`,
  ENAMETOOLONG: () => "use shorter names or another place",
  ENOENT: (file) =>
    `${missing(file)}: restore it, or run the command again if it was removed in the meantime`,
  EMFILE: later("raise the limit of open files (ulimit -n)"),
  ENFILE: later("stop other programs: the machine has too many open files"),
  ENOMEM: later("free some memory"),
  EAGAIN: later("stop other programs, or raise the limit of processes (ulimit -u)"),
  EIO: (file) =>
    `the disk or network file system of ${firstExisting(file)} reported an error: check the system log`,
  ESTALE: later("the network file system has changed: change to the folder again"),
  EBUSY: later("stop the program that uses it"),
  ETXTBSY: later("wait until the program file has been written"),
  EFBIG: later("raise the limit of file sizes (ulimit -f)"),
  E2BIG: () => "shorten the command line or the environment: together they are too large",
  EADDRINUSE: later("stop the program that listens there"),
  EADDRNOTAVAIL: later("check the machine's network"),
  ECONNREFUSED: later("check that the server is running"),
  ECONNRESET: later("check that the server is running"),
  EHOSTUNREACH: later("check the network"),
  ENETUNREACH: later("check the network"),
  ENOTFOUND: later("check the name and the network"),
  EAI_AGAIN: later("check the name server and the network"),
  ENXIO: (file) => `${file} is a FIFO, a socket or a device: move it away or rename it`,
  ETIMEDOUT: later("check the network"),
};

/**
 * Returns an error of the operating system (permission denied, disk full, not a folder, …) as an error with a hint for
 * the user; undefined for any other error.
 * @see errno(3)
 */
export function explainSystemError(error: unknown): UserError | undefined {
  const code = errorCode(error);
  if (!(error instanceof Error) || code === undefined) return undefined;
  const { syscall } = error as NodeJS.ErrnoException;
  const advice = Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined;
  if (syscall === undefined || advice === undefined) return undefined;
  if (syscall === "uv_cwd")
    return new UserError("the current folder no longer exists", {
      hint: "change to another folder",
      cause: error,
    });
  if (syscall.startsWith("spawn")) return notStarted(error, syscall, code);
  const place = placeOf(error);
  return new UserError(
    `cannot ${attempt(syscall)}${place === "" ? "" : ` ${place}`}: ${reasonOf(error, code)}`,
    {
      hint: [advice(place), relocationHint(place)].filter((part) => part !== "").join("; "),
      cause: error,
    },
  );
}

/** Returns the text of an error for a user on another machine: with a hint, and with the name of this machine. */
export function remoteText(error: unknown): string {
  const text = errorText(explainSystemError(error) ?? error);
  return text.includes(hostname()) ? text : `${text} [on ${hostname()}]`;
}

function attempt(syscall: string): string {
  return Object.hasOwn(ATTEMPTS, syscall) ? ATTEMPTS[syscall]! : syscall;
}

/** Returns the file or the address that an error concerns; for a temporary file, its final name or its folder. */
function placeOf(error: NodeJS.ErrnoException): string {
  const {
    path: file,
    dest,
    address,
    port,
    hostname: host,
  } = error as NodeJS.ErrnoException & Record<string, unknown>;
  if (typeof file === "string") {
    if (!isTemporary(path.basename(file))) return file;
    return typeof dest === "string" && !isTemporary(path.basename(dest)) ? dest : path.dirname(file);
  }
  if (typeof address === "string") return typeof port === "number" ? `${address}:${port}` : address;
  return typeof host === "string" ? host : "";
}

function reasonOf(error: NodeJS.ErrnoException, code: string): string {
  const known = error.errno === undefined ? undefined : getSystemErrorMap().get(error.errno)?.[1];
  return known ?? code;
}

/** Returns the error for a program that cannot be started. */
function notStarted(error: NodeJS.ErrnoException, syscall: string, code: string): UserError {
  const program = error.path ?? syscall.slice("spawn ".length);
  if (code === "ENOENT")
    return new UserError(`${program}: command not found`, { hint: `install ${program}`, cause: error });
  const hint = ADVICE[code]!(program);
  return new UserError(`cannot start ${program}: ${reasonOf(error, code)}`, { hint, cause: error });
}

/** Returns the longest leading part of a path that exists, which may be a dangling link. */
export function firstExisting(file: string): string {
  for (let place = file; path.isAbsolute(place); place = path.dirname(place)) {
    try {
      if (lstatSync(place, { throwIfNoEntry: false }) !== undefined || place === path.dirname(place))
        return place;
    } catch {
      // this part of the path cannot be accessed: try its parent
    }
  }
  return file === "" ? "the folder" : file;
}

/** Returns which of our folders are full, for an error that names no file: ` on the file system of …`, or nothing. */
function fullPlaces(): string {
  const places = [() => process.cwd(), stateDirectory, cacheDirectory, tmpdir].flatMap((place) => {
    try {
      const folder = firstExisting(place());
      return diskIsFull(folder) ? folder : [];
    } catch {
      return []; // the folder does not exist or cannot be accessed
    }
  });
  return places.length === 0 ? "" : ` on the file system of ${[...new Set(places)].join(", ")}`;
}

function missing(file: string): string {
  if (file === "") return "something no longer exists";
  const existing = firstExisting(file);
  const isDangling =
    existing !== file && existing !== "/" && statSync(existing, { throwIfNoEntry: false }) === undefined;
  if (isDangling) return `${existing} is a dangling symbolic link`;
  const [first = ""] = path.relative(existing, file).split(path.sep);
  return `${path.isAbsolute(file) ? path.join(existing, first) : file} does not exist`;
}

/** Returns a hint to relocate one of our own folders by its variable; empty if the path has nothing to do with them. */
function relocationHint(place: string): string {
  const ours = [
    ["XDG_STATE_HOME", stateDirectory],
    ["XDG_CACHE_HOME", cacheDirectory],
    ["TMPDIR", tmpdir],
  ] as const;
  const related = ours.find(([, folder]) => isRelated(place, folder));
  return related === undefined ? "" : `or set ${related[0]} to a folder that you can write to`;
}

function isRelated(place: string, folderOf: () => string): boolean {
  try {
    const folder = folderOf();
    return path.isAbsolute(place) && (isInside(folder, place) || isInside(place, folder));
  } catch {
    return false; // the user has no home directory
  }
}
