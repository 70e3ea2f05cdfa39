import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Hono, type Context } from "hono";
import { errorCode } from "../errors.ts";
import { installedFile } from "../system/installation.ts";

const TYPES = { html: "text/html", js: "text/javascript", css: "text/css", svg: "image/svg+xml" } as const;

/** A file of the page as it is sent. */
interface Asset {
  content: Buffer<ArrayBuffer>;
  compressed: Buffer<ArrayBuffer>;
  headers: Record<string, string>;
}

/**
 * Returns the routes of the page. All addresses get the same HTML, whose script decides by the URL what to show.
 * Browsers ask each time whether a file has changed, so that a page and its server are of the same version.
 */
export function pageRoutes(): Hono {
  const app = new Hono();
  const assets = new Map<string, Asset>();
  const send = async (context: Context, name: string): Promise<Response> => {
    const asset = assets.get(name) ?? (await readAsset(name));
    if (asset === undefined) return context.notFound();
    assets.set(name, asset);
    return answer(context, asset);
  };
  app.get("/", (context) => send(context, "index.html"));
  app.get("/swarm", (context) => send(context, "index.html"));
  app.get("/campaigns/:id", (context) => send(context, "index.html"));
  app.get("/page/:name{(?:main\\.js|style\\.css|icon\\.svg)}", (context) =>
    send(context, context.req.param("name")),
  );
  return app;
}

function answer(context: Context, { content, compressed, headers }: Asset): Response {
  if (context.req.header("if-none-match") === headers["ETag"]) return context.body(null, 304, headers);
  const isCompressed = /\bgzip\b/.test(context.req.header("accept-encoding") ?? "");
  return isCompressed
    ? context.body(compressed, 200, { ...headers, "Content-Encoding": "gzip" })
    : context.body(content, 200, headers);
}

/** Reads and compresses a file of the page; undefined if it does not exist. */
async function readAsset(name: string): Promise<Asset | undefined> {
  try {
    const content = await readFile(installedFile(`dist/page/${name}`));
    const type = TYPES[name.split(".").at(-1) as keyof typeof TYPES];
    const hash = createHash("sha256").update(content).digest("base64url").slice(0, 22);
    return {
      content,
      compressed: await promisify(gzip)(content, { level: 9 }),
      headers: {
        "Content-Type": `${type}; charset=utf-8`,
        "Cache-Control": "no-cache",
        ETag: `W/"${hash}"`, // weak: the same for both encodings
        Vary: "Accept-Encoding",
      },
    };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
