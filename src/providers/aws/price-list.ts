import { GetProductsCommand, PricingClient } from "@aws-sdk/client-pricing";
import { ADDRESS_HOUR, type Prices } from "./prices.ts";

/** The price list for all regions is available only in a few. */
const REGION = "us-east-1";
const ANSWER_TIMEOUT_MS = 4000;

/**
 * Returns the prices of these instance types from AWS's current price list.
 * @returns undefined without permission to read the list, or if AWS does not answer in time; our own table is used then.
 * @see AWS Price List API, "GetProducts".
 */
export async function fetchPrices(
  types: readonly string[],
  region: string,
  profile: string | undefined,
): Promise<Prices | undefined> {
  const client = new PricingClient({
    region: REGION,
    maxAttempts: 1,
    ...(profile !== undefined && { profile }),
  });
  const abortSignal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  try {
    const entries = await Promise.all(
      [...new Set(types)].map(async (type) => {
        const query = new GetProductsCommand({ ServiceCode: "AmazonEC2", Filters: filtersFor(type, region) });
        const answer: { PriceList?: readonly { toString(): string }[] } = await client.send(query, {
          abortSignal,
        });
        return [type, priceIn(answer.PriceList?.[0]) + ADDRESS_HOUR] as const;
      }),
    );
    return entries.every(([, price]) => Number.isFinite(price)) ? Object.fromEntries(entries) : undefined;
  } catch {
    return undefined; // the prices are only an estimate
  } finally {
    client.destroy();
  }
}

function filtersFor(type: string, region: string) {
  const fields = {
    instanceType: type,
    regionCode: region,
    operatingSystem: "Linux",
    preInstalledSw: "NA",
    tenancy: "Shared",
    capacitystatus: "Used",
  };
  return Object.entries(fields).map(([Field, Value]) => ({ Type: "TERM_MATCH" as const, Field, Value }));
}

interface Product {
  terms?: {
    OnDemand?: Record<string, { priceDimensions: Record<string, { pricePerUnit: { USD?: string } }> }>;
  };
}

/** Returns the price in US dollars per hour; NaN if there is none. */
function priceIn(product: { toString(): string } | undefined): number {
  const { terms } = JSON.parse(product?.toString() ?? "{}") as Product; // the SDK wraps the JSON text in an object
  const [offer] = Object.values(terms?.OnDemand ?? {});
  const [dimension] = Object.values(offer?.priceDimensions ?? {});
  return Number.parseFloat(dimension?.pricePerUnit.USD ?? "");
}
