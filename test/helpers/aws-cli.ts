import {
  SetDesiredCapacityCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import { AttachVolumeCommand } from "@aws-sdk/client-ec2";
import { PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { GetParameterCommand, PutParameterCommand, type ParameterType } from "@aws-sdk/client-ssm";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Emulator } from "./emulator.ts";

/** Replaces AWS's command line on the machines. */
export const AWS_PROGRAM = fileURLToPath(new URL("aws-program.sh", import.meta.url));

interface Behaviour {
  /** The time that is reported to CloudWatch. */
  now: () => number;
  onAttached: (instance: string) => Promise<void>;
  /** Sees each call; what it throws is the call's error. */
  onCall?: (args: readonly string[]) => void;
}

/** Serves the calls of the boot scripts. @param place a socket, or a port on an address. */
export async function serveAwsProgram(
  place: { path: string } | { host: string; port: number },
  emulator: Emulator,
  options: Behaviour,
): Promise<AsyncDisposable> {
  const server = createServer((request, response) => {
    void (async () => {
      const args = String(request.headers["arguments"]).split(" ");
      try {
        options.onCall?.(args);
        response.end(await answer(emulator, args, await text(request), options));
      } catch (error) {
        response.statusCode = 400;
        response.end(String(error));
      }
    })();
  });
  server.listen(place);
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
  { now, onAttached }: Behaviour,
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
    case "autoscaling set-desired-capacity":
      await clients.autoScaling.send(
        new SetDesiredCapacityCommand({
          AutoScalingGroupName: option("auto-scaling-group-name"),
          DesiredCapacity: Number(option("desired-capacity")),
        }),
      );
      return "";
    case "autoscaling terminate-instance-in-auto-scaling-group":
      await clients.autoScaling.send(
        new TerminateInstanceInAutoScalingGroupCommand({
          InstanceId: option("instance-id"),
          ShouldDecrementDesiredCapacity: args.includes("--should-decrement-desired-capacity"),
        }),
      );
      return "";
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
