import { describe, expect, it } from "vitest";
import { policyFor } from "../../src/providers/aws/account.ts";
import { lackingStatements } from "../../src/providers/aws/boundary.ts";

interface Policy {
  Statement: { Sid: string; Action: string | string[]; Condition?: unknown }[];
}

describe("the policy of the account", () => {
  const needed = (): Promise<string> =>
    policyFor({ id: "123456789012", user: "arn:aws:iam::123456789012:user/u" });
  const changed = async (change: (policy: Policy) => void): Promise<string[]> => {
    const policy = JSON.parse(await needed()) as Policy;
    change(policy);
    return lackingStatements(JSON.stringify(policy), await needed());
  };

  it("is current if it is that of this version, whatever its order, names and form", async () => {
    expect(await changed(() => undefined)).toEqual([]);
    expect(
      await changed(({ Statement }) => {
        Statement.reverse();
        for (const each of Statement) {
          each.Sid = `Other${each.Sid}`;
          each.Action = [each.Action].flat().reverse();
        }
      }),
    ).toEqual([]);
  });

  it("may grant more than is needed", async () => {
    const more = await changed(({ Statement }) => {
      Statement.push({ Sid: "More", Action: "s3:*" });
      delete Statement.find(({ Sid }) => Sid === "Busy")!.Condition;
    });
    expect(more).toEqual([]);
    const everything = { Statement: { Effect: "Allow", Action: "*", Resource: "*" } };
    expect(lackingStatements(JSON.stringify(everything), await needed())).toEqual([]);
  });

  it("names the statements that are missing or narrower", async () => {
    expect(await changed(({ Statement }) => void Statement.splice(0, 1))).toEqual(["Stack"]);
    const narrower = await changed(({ Statement }) => {
      const groups = Statement.find(({ Sid }) => Sid === "Groups")!;
      groups.Action = [groups.Action].flat().filter((action) => !action.includes("Scheduled"));
      Statement.find(({ Sid }) => Sid === "Busy")!.Condition = {
        StringEquals: { "cloudwatch:namespace": "Other" },
      };
    });
    expect(narrower).toEqual(["Groups", "Busy"]);
    expect(lackingStatements("not JSON", await needed())).toHaveLength(
      (JSON.parse(await needed()) as Policy).Statement.length,
    );
  });
});
