import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { count, counted } from "../base/format.ts";
import { parameters, setParameters } from "../base/location.tsx";
import { askJson, messageOf } from "../base/request.ts";
import { recordingsIn, searchRecordings, type Recording, type RecordingList } from "./recording-list.ts";
import { Preview } from "./preview.tsx";

/** Number of entries that are listed before the user searches. */
const MOST_SHOWN = 100;

/** The vectors and histograms of a run. They are looked for when the user opens the list, or the URL names one. */
export function Recordings({ path }: { path: string }): JSX.Element {
  const chosen = parameters.value.get("preview");
  const isOpen = useSignal(chosen !== null);
  return (
    <section class="drawer-part" aria-label="vectors and histograms">
      <details open={isOpen.value} onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
        <summary>Vectors and histograms</summary>
        {isOpen.value && <Chooser path={path} chosen={chosen} />}
      </details>
    </section>
  );
}

function Chooser({ path, chosen }: { path: string; chosen: string | null }): JSX.Element {
  const list = useSignal<RecordingList | undefined>(undefined);
  const failure = useSignal("");
  useEffect(() => {
    const ended = new AbortController();
    askJson<RecordingList>(`${path}/recordings`, { signal: ended.signal }).then(
      (answer) => (list.value = answer),
      (error: unknown) => {
        if (!ended.signal.aborted) failure.value = `${messageOf(error)}.`;
      },
    );
    return () => ended.abort();
  }, [path]);
  if (list.value === undefined)
    return (
      <p class="quiet" role="status">
        {failure.value === "" ? "Reading the list…" : failure.value}
      </p>
    );
  const all = recordingsIn(list.value);
  const recording = all.find(({ key }) => key === chosen);
  return (
    <>
      {list.value.notes.map((note) => (
        <p key={note} class="note warning">
          {note}
        </p>
      ))}
      {all.length === 0 ? (
        <p class="quiet">The run has recorded no vectors and no histograms.</p>
      ) : (
        <Choices all={all} chosen={chosen} />
      )}
      {chosen !== null && recording === undefined && (
        <p class="note error" role="alert">{`The run has no ${chosen.replace(":", " ")}.`}</p>
      )}
      {recording !== undefined && <Preview key={recording.key} path={path} recording={recording} />}
    </>
  );
}

function Choices({ all, chosen }: { all: Recording[]; chosen: string | null }): JSX.Element {
  const search = useSignal("");
  const found = searchRecordings(all, search.value);
  return (
    <div class="chooser">
      {all.length > 1 && (
        <input
          type="search"
          aria-label="search vectors and histograms"
          placeholder={`Search ${count(all.length)} vectors and histograms`}
          value={search.value}
          onInput={(event) => (search.value = event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape" || search.value === "") return;
            event.stopPropagation(); // the drawer stays open
            search.value = "";
          }}
        />
      )}
      <div class="chooser-list short" tabIndex={0} role="region" aria-label="list of vectors and histograms">
        {found.slice(0, MOST_SHOWN).map((recording) => (
          <Choice key={recording.key} recording={recording} isChosen={recording.key === chosen} />
        ))}
        {found.length === 0 && <p class="quiet">Nothing is found.</p>}
        {found.length > MOST_SHOWN && (
          <p class="quiet">{`${count(found.length - MOST_SHOWN)} more: add a word`}</p>
        )}
      </div>
    </div>
  );
}

function Choice({ recording, isChosen }: { recording: Recording; isChosen: boolean }): JSX.Element {
  const { kind, module, name, unit, count: values, key } = recording;
  const notes = [kind, unit ?? "", values === undefined ? "" : counted(values, "value")];
  return (
    <button
      type="button"
      class="item"
      aria-pressed={isChosen}
      onClick={() => setParameters({ preview: isChosen ? undefined : key })}
    >
      {`${module}.${name}`} <span class="quiet">{notes.filter((note) => note !== "").join(", ")}</span>
    </button>
  );
}
