import path from "node:path";

// Names from the queue become keys, file names and paths, so these functions check them first.

const CAMPAIGN_ID = /^[a-z][a-z0-9]{1,31}$/;
const ATTEMPT = /^[1-9]\d{0,8}$/;
/** Control characters, which no legitimate path contains. */
const CONTROL = /\p{Cc}/u;
const LONGEST_NAME = 200;

/** Returns whether a text is a valid campaign ID. */
export function isCampaignId(text: string): boolean {
  return CAMPAIGN_ID.test(text);
}

/** Returns whether the name of a config can be part of a file name, as in `.swarm/CONFIG-RUN.json`. */
export function isConfigName(text: string): boolean {
  return text !== "" && text.length <= LONGEST_NAME && !text.includes("/") && !CONTROL.test(text);
}

/** Returns whether a path stays inside the folder that it is relative to, and outside git's own files. */
export function isRelativeFolder(text: string): boolean {
  const parts = text.split("/");
  return !path.isAbsolute(text) && !CONTROL.test(text) && !parts.includes("..") && !parts.some(isGitFolder);
}

/** Characters that HFS+ ignores in names, so that `.g\u200cit` is `.git` there. @see CVE-2014-9390 */
const IGNORABLE = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/**
 * Returns whether some file system takes a name for `.git`, because it ignores case, some characters,
 * trailing dots or streams, or has short names (NTFS).
 */
export function isGitFolder(name: string): boolean {
  const plain = name
    .replace(IGNORABLE, "")
    .replace(/:.*$/s, "")
    .replace(/[. ]+$/, "")
    .toLowerCase();
  return plain === ".git" || /^git~\d+$/.test(plain);
}

/** Returns whether a stored result belongs to an attempt at a job: `<job>/<attempt>`. */
export function isStoredBy(job: string, stored: string): boolean {
  return stored.startsWith(`${job}/`) && ATTEMPT.test(stored.slice(job.length + 1));
}

/** Returns the number of the attempt, from 1, that a stored result belongs to. @param stored `<job>/<attempt>` */
export function attemptOf(stored: string): number {
  return Number(stored.slice(stored.lastIndexOf("/") + 1));
}

/** Returns whether a file that a worker names is inside the folder that its paths are relative to. */
export function isRelativeFile(file: string): boolean {
  return file !== "" && !path.isAbsolute(file) && !file.includes("\0") && !file.split("/").includes("..");
}

/**
 * Returns a text from the queue on one line, so that it cannot be mistaken for several lines of a message.
 */
export function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
