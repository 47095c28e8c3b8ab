import { priceTableSchema, type PriceRow, type PriceTable } from "@okstra/core/domain/prices";
import type { HomeConfig, Project } from "@okstra/core/domain/project";
import type { App } from "../app.ts";

/** The table of prices that okstra comes with, the project's and the person's own rows before it. */
export async function loadPrices(app: App, project: Project, home: HomeConfig): Promise<PriceTable> {
  const table = priceTableSchema.parse(await app.loadPriceTable());
  return { ...table, models: [...rowsOf(project.prices), ...rowsOf(home.prices), ...table.models] };
}

function rowsOf(own: Project["prices"]): PriceRow[] {
  return Object.entries(own ?? {}).map(([match, price]) => ({ match, ...price }));
}
