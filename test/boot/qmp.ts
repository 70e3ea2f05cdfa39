import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";

/** QEMU's control connection. @see QEMU Machine Protocol Specification. */
export interface Qmp extends Disposable {
  execute(command: string, args?: Record<string, unknown>): Promise<void>;
}

interface Message {
  return?: unknown;
  error?: { desc: string };
}

export async function connectQmp(file: string): Promise<Qmp> {
  const socket = connect(file);
  await once(socket, "connect");
  const waiting: ((message: Message) => void)[] = [];
  createInterface({ input: socket }).on("line", (line) => {
    const message = JSON.parse(line) as Message;
    if (message.return !== undefined || message.error !== undefined) waiting.shift()?.(message);
  });
  const execute: Qmp["execute"] = async (command, args = {}) => {
    const answered = new Promise<Message>((resolve) => waiting.push(resolve));
    socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    const { error } = await answered;
    if (error !== undefined) throw new Error(`QEMU cannot execute ${command}: ${error.desc}`);
  };
  await execute("qmp_capabilities");
  return { execute, [Symbol.dispose]: () => void socket.destroy() };
}
