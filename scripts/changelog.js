/**
 * Returns what a changelog says about a version: the text below its heading (`## 1.2.3`, `## [1.2.3] - 2026-11-26`);
 * undefined if there is none.
 * @param {string} version
 * @param {string} changelog in the format of Keep a Changelog
 */
export function notesOf(version, changelog) {
  const sections = changelog.split(/^(?=## )/m);
  const section = sections.find((each) => /^## \[?([^\]\s]+)/.exec(each)?.[1] === version);
  const notes = section?.replace(/^.*\n?/, "").trim();
  return notes === "" ? undefined : notes;
}
