import type { AwsAnswer, AwsCall } from "./aws-proxy.ts";

const XMLNS = 'xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"';
const CREATED = "2026-01-01T00:00:00Z";

export interface ScriptedEvent {
  id: string;
  type: string;
  status: string;
  reason?: string;
}

/** An answer of CloudFormation to DescribeStacks: a stack of ours, or of somebody else. */
export function stackAnswer(status: string, { swarm = "inet", ours = true } = {}): AwsAnswer {
  const tags = ours ? `<Tags><member><Key>swarm-tool</Key><Value>${swarm}</Value></member></Tags>` : "";
  return cloudFormation(
    "DescribeStacks",
    `<Stacks><member><StackName>swarm-${swarm}</StackName><StackId>arn:aws:cloudformation:eu-central-1:1:stack/swarm-${swarm}/x</StackId><StackStatus>${status}</StackStatus><CreationTime>${CREATED}</CreationTime>${tags}</member></Stacks>`,
  );
}

export function noStack(call: AwsCall, swarm = "inet"): AwsAnswer {
  return awsError(call, "ValidationError", `Stack with id swarm-${swarm} does not exist`);
}

export function createAnswer(): AwsAnswer {
  return cloudFormation(
    "CreateStack",
    "<StackId>arn:aws:cloudformation:eu-central-1:1:stack/swarm-inet/x</StackId>",
  );
}

/** @param events in the order in which they happened. */
export function eventsAnswer(events: readonly ScriptedEvent[]): AwsAnswer {
  const time = new Date().toISOString();
  const members = events.map(
    ({ id, type, status, reason }, index) =>
      `<member><EventId>${index}</EventId><LogicalResourceId>${id}</LogicalResourceId><ResourceType>${type}</ResourceType><ResourceStatus>${status}</ResourceStatus><Timestamp>${time}</Timestamp>${reason === undefined ? "" : `<ResourceStatusReason>${reason}</ResourceStatusReason>`}</member>`,
  );
  return cloudFormation("DescribeStackEvents", `<StackEvents>${members.reverse().join("")}</StackEvents>`);
}

/** An error in the format of the called service. */
export function awsError({ protocol }: AwsCall, code: string, message: string, status = 400): AwsAnswer {
  switch (protocol) {
    case "json":
      return {
        status,
        type: "application/x-amz-json-1.1",
        body: JSON.stringify({ __type: code, message }),
      };
    case "ec2":
      return {
        status,
        body: `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>1</RequestID></Response>`,
      };
    case "query":
      return {
        status,
        body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
      };
  }
}

function cloudFormation(action: string, result: string): AwsAnswer {
  return {
    status: 200,
    body: `<${action}Response ${XMLNS}><${action}Result>${result}</${action}Result></${action}Response>`,
  };
}
