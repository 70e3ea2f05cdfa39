/** The API of a dashboard, asked with its token. */
export interface DashboardApi {
  origin: string;
  token: string;
  ask: (path: string, init?: RequestInit) => Promise<Response>;
  /** Returns the content of an answer, which must not be an error. */
  get: <T>(path: string) => Promise<T>;
}

/** @param address as `swarm-tool dashboard` prints it. */
export function dashboardApi(address: string): DashboardApi {
  const { origin, hash } = new URL(address.trim());
  const token = new URLSearchParams(hash.slice(1)).get("token") ?? "";
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${origin}/api/${path}`, { ...init, headers: { Authorization: `Bearer ${token}` } });
  return {
    origin,
    token,
    ask,
    async get<T>(path: string) {
      const answer = await ask(path);
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as T;
    },
  };
}
