import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { count, counted } from "../base/format.ts";
import { groupItems, moduleTree, searchItems, type Item, type ModuleNode, type ResultList } from "./items.ts";

/** Number of results of a search that are listed. */
const MOST_FOUND = 200;

interface ChooserProps {
  list: ResultList;
  /** The chosen patterns. */
  chosen: readonly string[];
  toggle: (item: Item) => void;
  /** Adds a pattern that the user has written. */
  add: (pattern: string) => void;
}

/** A searchable tree of the modules with what they record. */
export function Chooser({ list, chosen, toggle, add }: ChooserProps): JSX.Element {
  const search = useSignal("");
  const all = itemsOf(list);
  const found = searchItems(all, search.value);
  return (
    <div class="chooser">
      <input
        type="search"
        aria-label="search scalars"
        placeholder={`Search ${count(all.length)} scalars`}
        value={search.value}
        onInput={(event) => (search.value = event.currentTarget.value)}
      />
      <div class="chooser-list" tabIndex={0} role="region" aria-label="scalars">
        {search.value.trim() === "" ? (
          moduleTree(all).map((node) => (
            <Module key={node.path} node={node} chosen={chosen} toggle={toggle} isOpen={all.length < 40} />
          ))
        ) : (
          <>
            {found.slice(0, MOST_FOUND).map((item) => (
              <ItemButton
                key={item.pattern}
                item={item}
                text={`${item.module}.${item.name}`}
                chosen={chosen}
                toggle={toggle}
              />
            ))}
            {found.length === 0 && <p class="quiet">Nothing is found.</p>}
            {found.length > MOST_FOUND && (
              <p class="quiet">{`${count(found.length - MOST_FOUND)} more: add a word`}</p>
            )}
          </>
        )}
      </div>
      {list.omitted > 0 && (
        <p class="quiet">{`${counted(list.omitted, "scalar")} not listed: enter a pattern`}</p>
      )}
      <PatternBox add={add} />
    </div>
  );
}

const grouped = new WeakMap<ResultList, Item[]>();

function itemsOf(list: ResultList): Item[] {
  const known = grouped.get(list);
  if (known !== undefined) return known;
  const items = groupItems(list.items);
  grouped.set(list, items);
  return items;
}

interface ModuleProps {
  node: ModuleNode;
  chosen: readonly string[];
  toggle: (item: Item) => void;
  isOpen: boolean;
}

function Module({ node, chosen, toggle, isOpen }: ModuleProps): JSX.Element {
  const isShown = useSignal(isOpen);
  return (
    <details open={isShown.value} onToggle={(event) => (isShown.value = event.currentTarget.open)}>
      <summary>{node.label}</summary>
      {isShown.value && (
        <>
          {node.items.map((item) => (
            <ItemButton key={item.pattern} item={item} text={item.name} chosen={chosen} toggle={toggle} />
          ))}
          {node.children.map((child) => (
            <Module key={child.path} node={child} chosen={chosen} toggle={toggle} isOpen={isOpen} />
          ))}
        </>
      )}
    </details>
  );
}

interface ItemProps {
  item: Item;
  text: string;
  chosen: readonly string[];
  toggle: (item: Item) => void;
}

function ItemButton({ item, text, chosen, toggle }: ItemProps): JSX.Element {
  const notes = [
    item.unit ?? "",
    item.modules > 1 ? counted(item.modules, "module") : "",
    item.kind === "parameter" ? "parameter" : "",
  ];
  return (
    <button
      type="button"
      class="item"
      aria-pressed={chosen.includes(item.pattern)}
      onClick={() => toggle(item)}
    >
      {text} <span class="quiet">{notes.filter((note) => note !== "").join(", ")}</span>
    </button>
  );
}

/** Adds a pattern that the user writes. */
function PatternBox({ add }: { add: (pattern: string) => void }): JSX.Element {
  const text = useSignal("");
  const submit = (event: Event): void => {
    event.preventDefault();
    const pattern = text.value.trim();
    if (pattern === "") return;
    add(pattern);
    text.value = "";
  };
  return (
    <form class="query-line" onSubmit={submit}>
      <input
        aria-label="pattern"
        placeholder="Pattern: **.host[*].delay:mean"
        spellcheck={false}
        autocomplete="off"
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
      <button type="submit">Add</button>
    </form>
  );
}
