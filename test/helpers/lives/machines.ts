import { BUSY, type Account, type Instance } from "./account.ts";

/** Executes a minute of what runs on the machines of a swarm: services, reports and watchdogs. */
export function runPrograms(account: Account): void {
  const { groups } = account;
  if (groups === undefined) return;
  const [manager] = groups.manager.instances;
  const isAlive = manager !== undefined && account.hasBooted(manager);
  if (isAlive) runManager(account, manager);
  for (const worker of [...groups.worker.instances])
    if (account.hasBooted(worker)) runWorker(account, worker, isAlive);
}

function runManager(account: Account, manager: Instance): void {
  const { watchdogs, broken } = account.options;
  const isWorking = account.isWorking();
  if (isWorking)
    account.work = Math.max(0, account.work - Math.max(1, account.groups!.worker.instances.length));
  if (isWorking) account.lastActivity = account.minute;
  if (manager.deployed) account.publish(BUSY, Number(isWorking));
  // Without the dashboard there is no mark, and nobody knows whether there is work.
  if (isWorking || !manager.deployed) manager.noted = account.minute;
  if (broken.has("watchdogs")) return;
  const idle = account.minute - manager.noted;
  if (idle <= watchdogs.idle && account.minute - manager.launched <= watchdogs.life) return;
  account.setDesired("worker", 0);
  account.setDesired("manager", 0);
}

function runWorker(account: Account, worker: Instance, hasManager: boolean): void {
  if (hasManager) worker.noted = account.minute;
  if (
    account.options.broken.has("watchdogs") ||
    account.minute - worker.noted <= account.options.watchdogs.worker
  )
    return;
  const group = account.groups!.worker;
  group.instances.splice(group.instances.indexOf(worker), 1);
  group.desired = Math.max(0, group.desired - 1);
}
