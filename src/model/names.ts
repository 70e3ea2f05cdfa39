import path from "node:path";

// Names that come from the queue become keys, file names and paths: these rules hold before they do.

const CAMPAIGN_ID = /^[a-z][a-z0-9]{1,31}$/;
const ATTEMPT = /^[1-9]\d{0,8}$/;
/** Control characters: in a path they could only be there to deceive. */
const CONTROL = /\p{Cc}/u;
const LONGEST_NAME = 200;

/** Whether a text may be the id of a campaign. */
export function isCampaignId(text: string): boolean {
  return CAMPAIGN_ID.test(text);
}

/** Whether a config's name can be part of a file name, as in `.swarm/CONFIG-RUN.json`. */
export function isConfigName(text: string): boolean {
  return text !== "" && text.length <= LONGEST_NAME && !text.includes("/") && !CONTROL.test(text);
}

/** Whether a path stays below the folder that it is relative to, whatever that is, and outside of git's own files. */
export function isRelativeFolder(text: string): boolean {
  const parts = text.split("/");
  return !path.isAbsolute(text) && !CONTROL.test(text) && !parts.includes("..") && !parts.some(isGitFolder);
}

/** Characters that HFS+ ignores in names, so that `.g\u200cit` is `.git` there. @see CVE-2014-9390 */
const IGNORABLE = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** A name that some file system takes for `.git`: case, ignorable characters, NTFS's trailing dots, streams, short names. */
export function isGitFolder(name: string): boolean {
  const plain = name
    .replace(IGNORABLE, "")
    .replace(/:.*$/s, "")
    .replace(/[. ]+$/, "")
    .toLowerCase();
  return plain === ".git" || /^git~\d+$/.test(plain);
}

/** Whether a result can have been stored by an attempt at a job: `<job>/<attempt>`. */
export function isStoredBy(job: string, stored: string): boolean {
  return stored.startsWith(`${job}/`) && ATTEMPT.test(stored.slice(job.length + 1));
}

/** Whether a file that a worker names lies below the folder that its paths are relative to. */
export function isRelativeFile(file: string): boolean {
  return file !== "" && !path.isAbsolute(file) && !file.includes("\0") && !file.split("/").includes("..");
}

/** A text from the queue for a message: in one line, so that it cannot pass for lines of ours. */
export function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
