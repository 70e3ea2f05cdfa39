import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { connection, reconnect, updatedAt } from "./base/live.ts";

/** Says whether the page is live. What it shows is not the present state while there is no connection. */
export function ConnectionStatus(): JSX.Element {
  const { state } = connection.value;
  return (
    <span class={`connection ${state}`} role="status">
      {state === "live" ? "live" : state === "connecting" ? "connecting…" : "not live"}
    </span>
  );
}

/** Why the page is not live, since when, and when it tries again. */
export function LostConnection(): JSX.Element | null {
  const current = connection.value;
  if (current.state !== "lost") return null;
  const since = updatedAt.value;
  return (
    <div class="lost">
      <p role="alert">
        {current.message}
        {since !== undefined && ` – the page shows the state of ${new Date(since).toLocaleTimeString()}`}
      </p>
      {current.retryAt !== undefined && (
        <>
          <Countdown until={current.retryAt} />
          <button type="button" onClick={reconnect}>
            Try now
          </button>
        </>
      )}
    </div>
  );
}

function Countdown({ until }: { until: number }): JSX.Element {
  const secondsLeft = (): number => Math.max(0, Math.ceil((until - Date.now()) / 1000));
  const [seconds, setSeconds] = useState(secondsLeft);
  useEffect(() => {
    setSeconds(secondsLeft);
    const timer = setInterval(() => setSeconds(secondsLeft), 500);
    return () => clearInterval(timer);
  }, [until]);
  return <span class="quiet">{seconds === 0 ? "connecting…" : `next attempt in ${seconds} s`}</span>;
}

/** Stands for a page until its first answer. Without a connection, the reason is above it. */
export function Waiting({ heading }: { heading: string }): JSX.Element {
  return (
    <>
      <h1>{heading}</h1>
      {connection.value.state !== "lost" && <p class="quiet">Loading…</p>}
    </>
  );
}
