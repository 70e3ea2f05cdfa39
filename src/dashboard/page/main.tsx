import { render } from "preact";
import { watchSession } from "./base/session.ts";
import { takeToken } from "./base/token.ts";
import { App } from "./app.tsx";

takeToken();
watchSession();
render(<App />, document.getElementById("app")!);
