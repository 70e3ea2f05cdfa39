import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { saveFile } from "../base/download.ts";
import { count, counted } from "../base/format.ts";
import { messageOf } from "../base/request.ts";
import type { RunDetails, RunFile } from "../../../model/dashboard.ts";

/** Number of files that are shown without a click. */
const MOST_OPEN = 6;

/** The files of a run with their sizes, to be downloaded. */
export function RunFiles({ path, details }: { path: string; details: RunDetails }): JSX.Element {
  const { files, omittedFiles, filesNote } = details;
  const total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const title =
    files.length === 0 ? "Files" : `Files (${count(files.length + omittedFiles)}, ${fileSize(total)})`;
  return (
    <section class="drawer-part" aria-label="files">
      <details open={files.length <= MOST_OPEN}>
        <summary>{title}</summary>
        {filesNote !== undefined && <p class="quiet">{filesNote}</p>}
        <ul class="files">
          {files.map((file) => (
            <li key={file.path}>
              <File path={path} file={file} />
            </li>
          ))}
        </ul>
        {omittedFiles > 0 && <p class="quiet">{`${counted(omittedFiles, "more file")} not listed`}</p>}
      </details>
    </section>
  );
}

function File({
  path,
  file: { path: name, sizeBytes, problem },
}: {
  path: string;
  file: RunFile;
}): JSX.Element {
  const failure = useSignal("");
  const save = async (): Promise<void> => {
    try {
      await saveFile(`${path}/file?path=${encodeURIComponent(name)}`, name.split("/").at(-1)!);
      failure.value = "";
    } catch (error) {
      failure.value = messageOf(error);
    }
  };
  const notes = [fileSize(sizeBytes), problem ?? "", failure.value];
  return (
    <>
      {problem === undefined ? (
        <button type="button" class="inline" title="Download" onClick={() => void save()}>
          {name}
        </button>
      ) : (
        <span>{name}</span>
      )}{" "}
      <span class="quiet" role="status">
        {notes.filter((note) => note !== "").join("; ")}
      </span>
    </>
  );
}

/** Returns the size of a file, which may be small. */
function fileSize(bytes: number): string {
  if (bytes < 1000) return counted(bytes, "byte");
  const [value, unit] =
    bytes < 1e6 ? [bytes / 1e3, "kB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${value.toFixed(value < 9.95 ? 1 : 0)} ${unit}`;
}
