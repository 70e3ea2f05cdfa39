import { AttachVolumeCommand } from "@aws-sdk/client-ec2";
import { PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { GetParameterCommand, PutParameterCommand, type ParameterType } from "@aws-sdk/client-ssm";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import type { Emulator } from "./emulator.ts";

/** Replaces AWS's command line on the machines: passes its arguments to a unix socket. */
export const AWS_PROGRAM = `#!/bin/bash
value=
case "$*" in *file:///dev/stdin*) value=$(cat) ;; esac
exec /usr/bin/curl --silent --show-error --fail --unix-socket "$AWS_SOCKET" --data-binary "$value" -H "arguments: $*" http://aws/
`;

/** Serves the calls of the boot scripts. @param now the time that is reported to CloudWatch. */
export async function serveAwsProgram(
  socket: string,
  emulator: Emulator,
  options: { now: () => number; onAttached: (instance: string) => Promise<void> },
): Promise<AsyncDisposable> {
  const server = createServer((request, response) => {
    void (async () => {
      const args = String(request.headers["arguments"]).split(" ");
      try {
        response.end(await answer(emulator, args, await text(request), options));
      } catch (error) {
        response.statusCode = 400;
        response.end(String(error));
      }
    })();
  });
  server.listen(socket);
  await once(server, "listening");
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function answer(
  { clients }: Emulator,
  args: readonly string[],
  input: string,
  { now, onAttached }: { now: () => number; onAttached: (instance: string) => Promise<void> },
): Promise<string> {
  const option = (name: string): string => args[args.indexOf(`--${name}`) + 1]!;
  switch (args.slice(0, 2).join(" ")) {
    case "ssm put-parameter":
      await clients.ssm.send(
        new PutParameterCommand({
          Name: option("name"),
          Type: option("type") as ParameterType,
          Value: input,
          Overwrite: true,
        }),
      );
      return "";
    case "ssm get-parameter": {
      const query = { Name: option("name"), WithDecryption: true };
      const { Parameter } = await clients.ssm.send(new GetParameterCommand(query));
      return `${Parameter!.Value!}\n`;
    }
    case "ec2 attach-volume": {
      const [VolumeId, InstanceId] = [option("volume-id"), option("instance-id")];
      await clients.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: option("device") }));
      await onAttached(InstanceId);
      return "";
    }
    case "cloudwatch put-metric-data": {
      const [Name = "", Value] = option("dimensions").split("=");
      const MetricName = option("metric-name");
      const datum = { MetricName, Value: Number(option("value")), Timestamp: new Date(now()) };
      const data = [{ ...datum, Dimensions: [{ Name, Value }] }];
      await clients.cloudWatch.send(
        new PutMetricDataCommand({ Namespace: option("namespace"), MetricData: data }),
      );
      return "";
    }
    default:
      throw new Error(`the boot scripts are not known to call: aws ${args.join(" ")}`);
  }
}
