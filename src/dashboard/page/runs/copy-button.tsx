import { useSignal } from "@preact/signals";
import type { JSX } from "preact";

const SHOWN_MS = 3000;

/** A button that copies a text, and says whether it did. */
export function CopyButton({ text, label }: { text: string; label: string }): JSX.Element {
  const answer = useSignal("");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      answer.value = "copied";
    } catch {
      answer.value = "the browser does not allow copying"; // it shows no other reason
    }
    setTimeout(() => (answer.value = ""), SHOWN_MS);
  };
  return (
    <>
      <button type="button" onClick={() => void copy()}>
        {label}
      </button>
      <span role="status" class="quiet">
        {answer.value}
      </span>
    </>
  );
}
