import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { EMPTY, startAccount, type Account, type Instance } from "./account.ts";
import { expectNoFailedUnits, expectTimers, reachable, rebooted } from "./systemd.ts";

/** Longer than the longest interval of a timer, on a slow virtual machine. */
const TIMER = { timeout: 5 * 60_000, interval: 2000 };
/** Makes an image and a container, and a volume with a file that is on the disk. */
const LEAVE_DATA = `set -e
tar -c -C / etc/hostname | docker import - left >/dev/null
docker create --name old left /nothing >/dev/null
docker volume create kept >/dev/null
echo result >/var/lib/docker/volumes/kept/_data/result
sync`;
/** Writes files and the journal of the file system without an end, until power is lost. */
const WRITE = `set -e
cd /var/lib/docker/volumes/kept/_data
systemd-run --quiet --working-directory="$PWD" bash -c \
  'while :; do for n in {1..20}; do head -c 1M /dev/urandom >new; mv new $n; done; touch written; done'
until [ -e written ]; do sleep 0.2; done`;
/** Reports that there is no work, and that there has been none for two hours: an hour more than the idle alarm waits. */
const IDLE = `install -o 1000 -g 1000 -m 644 /dev/stdin /var/lib/inet-swarm/busy <<<0
touch -d "122 minutes ago" /run/swarm-worked`;

/** Each test continues with the machine of the one before. */
describe("the manager, under a real systemd with a real volume", () => {
  let account: Account;
  let manager: Instance;
  beforeAll(async () => {
    account = await startAccount();
  });
  afterAll(() => account[Symbol.asyncDispose]());
  beforeEach(() => {
    account.calls.length = 0;
  });

  it("formats the volume, and becomes the manager of a new Docker Swarm", async () => {
    manager = await account.launch("manager");
    await account.booted(manager);
    await expectManager();
    await expectNoFailedUnits(manager);
    expect(
      await manager.root("blkid -s TYPE -o value /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol*"),
    ).toBe("xfs\n");
    expect(await manager.root("id -nG ec2-user")).toMatch(/\bdocker\b/);
    await manager.root(LEAVE_DATA);
  });

  it("reports by a timer whether there is work", async () => {
    await expectTimers(manager, ["swarm-busy", "swarm-watchdog"]);
    const mark = "install -o 1000 -g 1000 -m 644 /dev/stdin /var/lib/inet-swarm/busy <<<1";
    await manager.root(mark);
    await vi.waitFor(
      () =>
        expect(account.calls).toContainEqual(
          expect.stringMatching(/^cloudwatch put-metric-data .* --metric-name Busy .* --value 1$/),
        ),
      TIMER,
    );
  });

  it("is still the manager after a reboot, without its boot script", async () => {
    const node = await nodeId();
    const reboot = (): Promise<unknown> => manager.root("systemctl reboot").catch(() => "connection closed");
    await rebooted(manager, reboot); // the machine may be faster than the end of the connection
    await expectManager();
    expect(await nodeId()).toBe(node);
    await expectData();
    await expectTimers(manager, ["swarm-busy", "swarm-watchdog"]);
    await expectNoFailedUnits(manager);
    expect(account.calls.filter((call) => !call.startsWith("cloudwatch"))).toEqual([]);
  });

  it("keeps Docker waiting for a volume that appears late after a loss of power", async () => {
    const node = await nodeId();
    await manager.kill();
    manager.attached = false;
    await manager.start();
    await reachable(manager);
    expect(await manager.root("systemctl list-jobs --no-legend --no-pager")).toMatch(
      /docker\.service +start +waiting/,
    );
    expect(await manager.root("ls -A /var/lib/docker")).toBe("");
    await manager.attach();
    await manager.root("systemctl is-system-running --wait || true");
    await expectManager();
    expect(await nodeId()).toBe(node);
    await expectData();
    await expectNoFailedUnits(manager);
  });

  it("gives its volume to the manager that replaces it, although it lost its power while writing", async () => {
    const [node, join] = [await nodeId(), await account.parameter("worker-join")];
    await manager.root(WRITE);
    await manager.kill();
    await account.replace(manager.id);
    const previous = manager.id;
    manager = await account.launch("manager");
    expect(manager.id).not.toBe(previous);
    await account.booted(manager);
    expect(await manager.root("journalctl -kb --no-pager")).toMatch(/XFS \(nvme\dn1\): Ending recovery/);
    await expectManager();
    expect(await account.parameter("worker-join")).not.toBe(join);
    expect(await nodeId()).not.toBe(node);
    await expectData();
    expect(await manager.root("docker ps -aq; docker node ls -q | tail -n +2")).toBe("");
    await expectNoFailedUnits(manager);
  });

  it("halts the swarm by its watchdog if the alarms have not", async () => {
    await expectTimers(manager, ["swarm-busy", "swarm-watchdog"]);
    const halts = (): string[] => account.calls.filter((call) => call.startsWith("autoscaling"));
    expect(halts()).toEqual([]);
    await manager.root(IDLE);
    await vi.waitFor(() => expect(halts()).toHaveLength(2), TIMER);
    await vi.waitFor(async () => expect(await account.group("manager")).toEqual(EMPTY), TIMER);
    expect(await account.group("worker")).toEqual(EMPTY);
    await expectTimers(manager, ["swarm-watchdog"]);
  });

  function nodeId(): Promise<string> {
    return manager.root("docker info -f '{{.Swarm.NodeID}}'");
  }

  /** Its Docker runs on the volume, and workers can join it. */
  async function expectManager(): Promise<void> {
    expect(await manager.root("findmnt -no SOURCE,FSTYPE /var/lib/docker")).toMatch(
      /^\/dev\/nvme\dn1 +xfs\n$/,
    );
    const format = "{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}} {{.DockerRootDir}}";
    expect(await manager.root(`docker info -f '${format}'`)).toBe("active true /var/lib/docker\n");
    const token = (await manager.root("docker swarm join-token -q worker")).trim();
    expect(await account.parameter("worker-join")).toBe(`${manager.id} ${manager.address}:2377 ${token}`);
  }

  async function expectData(): Promise<void> {
    expect(await manager.root("cat /var/lib/docker/volumes/kept/_data/result")).toBe("result\n");
    expect(await manager.root("docker image ls -q left")).toMatch(/^\w+\n$/);
    expect(await manager.root("docker volume ls -q -f name=kept")).toBe("kept\n");
  }
});
