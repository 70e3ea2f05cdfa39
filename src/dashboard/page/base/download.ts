import { askJson } from "./request.ts";

/** Saves content on the user's machine. */
export function saveContent(name: string, content: Blob | string, type = "text/plain"): void {
  const blob = typeof content === "string" ? new Blob([content], { type: `${type};charset=utf-8` }) : content;
  const address = URL.createObjectURL(blob);
  save(name, address);
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // when it has been saved
}

/**
 * Saves a file that the server sends to whoever has a ticket, because the browser does not send the token with it.
 * @param address with parameters.
 * @throws {AnswerError} if the server does not hand it out.
 */
export async function saveFile(address: string, name: string): Promise<void> {
  const { ticket } = await askJson<{ ticket: string }>(address, { method: "POST" });
  save(name, `${address}&ticket=${ticket}`);
}

function save(name: string, address: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
