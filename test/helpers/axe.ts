import axe from "axe-core";
import type { Page } from "playwright-core";

interface Violation {
  id: string;
  nodes: { html: string }[];
}

/**
 * Returns the violations of rules of accessibility on a page, each as its rule and an element.
 * @see https://github.com/dequelabs/axe-core
 */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // a script of another origin would be refused by the page's Content-Security-Policy, one of the debugger is not
  const client = await page.context().newCDPSession(page);
  await client.send("Runtime.evaluate", { expression: axe.source });
  const { result } = await client.send("Runtime.evaluate", {
    expression: "axe.run().then(({ violations }) => JSON.stringify(violations))",
    awaitPromise: true,
  });
  await client.detach();
  const violations = JSON.parse(result.value as string) as Violation[];
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}
