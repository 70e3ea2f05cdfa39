import { expect, it } from "vitest";
import { LaunchFailure } from "../../src/providers/aws/launch-failures.ts";

it.each([
  ["The specified instance type is not eligible for Free Tier. For a list, run …", true, /free plan/],
  ["You have requested more vCPU capacity than your current vCPU limit of 1 allows.", true, /quota/],
  ["Max spot instance count exceeded. MaxSpotInstanceCountExceeded", true, /quota/],
  [
    "Your account is currently being verified. Verification normally takes less than 2 hours.",
    true,
    /verifies/,
  ],
  [
    "The provided credentials do not have permission to create the service-linked role for EC2 Spot Instances.",
    true,
    /create-service-linked-role/,
  ],
  [
    "Your requested instance type (c6i.large) is not supported in your requested Availability Zone (x).",
    true,
    /--instance-type/,
  ],
  ["Client.InternalError: Client error on launch", true, /AWSServiceRoleForAutoScaling/],
  ["The image id '[ami-0]' does not exist", true, /template/],
  [
    "We currently do not have sufficient c6i.large capacity in the Availability Zone you requested.",
    false,
    /try again later/,
  ],
  ["There is no Spot capacity available that matches your request.", false, /try again later/],
  ["Authentication Failure", false, /./],
  ["Invalid IAM Instance Profile name", false, /./],
])("knows whether a launch may succeed later: %s", (reason, isPermanent, hint) => {
  const failure = new LaunchFailure("swarm-inet-worker", reason);
  expect(failure.message).toBe(`AWS cannot start a machine of swarm-inet-worker: ${reason}`);
  expect(failure.isPermanent).toBe(isPermanent);
  expect(failure.hint).toMatch(hint);
});
