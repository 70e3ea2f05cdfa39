/** Which Docker to use (default: that of the environment or of the current context). */
export interface DockerEndpoint {
  /** Value of `docker --host`: `unix:///run/docker.sock`, `ssh://user@machine`. */
  host?: string | undefined;
  /** Name of a Docker context. */
  context?: string | undefined;
}
