import { signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";

/** The path of the page. */
export const path = signal(location.pathname);
/** The parameters in the URL: what is shown of the campaign, and how. */
export const parameters = signal(new URLSearchParams(location.search));

addEventListener("popstate", () => {
  path.value = location.pathname;
  parameters.value = new URLSearchParams(location.search);
});

/** Shows another page. */
function navigate(href: string): void {
  history.pushState(undefined, "", href);
  path.value = location.pathname;
  parameters.value = new URLSearchParams(location.search);
  scrollTo(0, 0);
}

/**
 * Changes parameters in the URL; empty and undefined ones are removed.
 * @param options.push add an entry to the browser's history, so that the back button undoes the change.
 */
export function setParameters(
  changes: Readonly<Record<string, string | readonly string[] | undefined>>,
  { push = false } = {},
): void {
  const next = new URLSearchParams(parameters.value);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const each of [value ?? []].flat()) if (each !== "") next.append(name, each);
  }
  if (next.toString() === parameters.value.toString()) return;
  const search = next.size === 0 ? "" : `?${next.toString()}`;
  const href = path.value + search;
  if (push) history.pushState(undefined, "", href);
  else history.replaceState(undefined, "", href);
  parameters.value = next;
}

/** A link to another page of the dashboard, which is shown without loading it. */
export function Link({
  href,
  ...rest
}: {
  href: string;
  class?: string;
  "aria-current"?: "page" | undefined;
  children: ComponentChildren;
}): JSX.Element {
  const follow = (event: MouseEvent): void => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href);
  };
  return <a href={href} onClick={follow} {...rest} />;
}
