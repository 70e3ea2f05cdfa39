import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { count, counted } from "./base/format.ts";
import { queryText, setQuery, type CampaignData } from "./campaign-data.ts";

/** The filter of the runs, which the URL contains. `/` focuses it, Escape empties and leaves it. */
export function QueryBox({ campaign }: { campaign: CampaignData }): JSX.Element {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof Element && event.target.matches("input, select, textarea");
      if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      box.current?.focus();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);
  const leave = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    if (queryText.value === "") box.current?.blur();
    setQuery("");
  };
  const { problems } = campaign.query.value;
  const [all, matching] = [campaign.rows.value.length, campaign.matching.value.length];
  return (
    <div class="query" role="search">
      <div class="query-line">
        <input
          ref={box}
          type="search"
          aria-label="filter runs"
          aria-describedby="query-answer query-help"
          aria-invalid={problems.length > 0}
          placeholder={`Filter runs: ${exampleFor(campaign)}`}
          spellcheck={false}
          autocomplete="off"
          value={queryText.value}
          onInput={(event) => setQuery(event.currentTarget.value)}
          onKeyDown={leave}
        />
        {queryText.value !== "" && (
          <button type="button" onClick={() => setQuery("", { push: true })}>
            Clear
          </button>
        )}
        <span id="query-answer" role="status" class="quiet">
          {all === matching ? counted(all, "run") : `${count(matching)} of ${counted(all, "run")}`}
        </span>
      </div>
      {problems.map((problem) => (
        <p key={problem} class="error" role="alert">
          {problem}
        </p>
      ))}
      <details class="help">
        <summary>Syntax</summary>
        <p id="query-help">
          Words are searched for in everything. <code>state:failed</code>, <code>error:"not found"</code>,{" "}
          <code>run{"<"}10</code>, <code>time{">"}1min</code>, <code>memory{">="}2GiB</code>,{" "}
          <code>repetition:0,1</code> each iteration variable, such as <code>{exampleFor(campaign)}</code>,
          and each scalar that is a column: <code>:</code> contains or equals, <code>= != {"< <= > >="}</code>{" "}
          compare numbers with their units. A minus excludes: <code>-state:done</code>.
        </p>
      </details>
    </div>
  );
}

function exampleFor(campaign: CampaignData): string {
  const [name] = campaign.variables.value;
  const value = campaign.rows.value[0]?.values[0] ?? "";
  return name === undefined || value === "" || /[\s",]/.test(value) ? "state:failed" : `${name}>=${value}`;
}
