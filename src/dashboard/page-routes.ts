import { Hono } from "hono";
import { readFile } from "node:fs/promises";
import { installedFile } from "../system/installation.ts";

const TYPES = { html: "text/html", js: "text/javascript", css: "text/css", svg: "image/svg+xml" } as const;

/** Returns the routes of the page. All addresses get the same HTML, whose script decides by the URL what to show. */
export function pageRoutes(): Hono {
  const app = new Hono();
  const file = async (name: string): Promise<Response> => {
    const type = TYPES[name.split(".").at(-1) as keyof typeof TYPES];
    const content = await readFile(installedFile(`src/dashboard/page/${name}`));
    return new Response(content, {
      headers: { "Content-Type": `${type}; charset=utf-8`, "Cache-Control": "no-cache" },
    });
  };
  app.get("/", () => file("index.html"));
  app.get("/campaigns/:id", () => file("index.html"));
  app.get("/page/:name{[a-z-]+\\.(js|css|svg)}", async (context) => {
    try {
      return await file(context.req.param("name"));
    } catch {
      return context.notFound();
    }
  });
  return app;
}
