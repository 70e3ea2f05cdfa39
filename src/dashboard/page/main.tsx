import { render } from "preact";
import { takeToken } from "./base/request.ts";
import { watchSession } from "./base/session.ts";
import { App } from "./app.tsx";

takeToken();
watchSession();
render(<App />, document.getElementById("app")!);
