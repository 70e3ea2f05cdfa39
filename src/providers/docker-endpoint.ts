/** Which Docker is meant: that of the environment and its current context where neither is given. */
export interface DockerEndpoint {
  /** As `docker --host` takes it: `unix:///run/docker.sock`, `ssh://user@machine`. */
  host?: string | undefined;
  /** Name of a docker context. */
  context?: string | undefined;
}
