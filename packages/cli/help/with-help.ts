import type { RouteMap } from "@stricli/core";
import type { CliContext } from "../command.ts";
import { describeRoutes } from "./describe-routes.ts";
import { renderCommandHelp, renderOverview } from "./render-help.ts";

type Routes = RouteMap<CliContext>;
type Target = NonNullable<ReturnType<Routes["getRoutingTargetForInput"]>>;

/** The same routes with help that fits a terminal: stricli's own has every flag of every command in one line each. */
export function withHelp(routes: Routes): Routes {
  return { ...withHelpBelow(routes, []), formatHelp: () => renderOverview(describeRoutes(routes)) };
}

function withHelpBelow(map: Routes, path: readonly string[]): Routes {
  const paths = new Map<Target, readonly string[]>(
    map.getAllEntries().map(({ name, target }) => [target, [...path, name["convert-camel-to-kebab"]]]),
  );
  const below = new Map<Target, Target>([...paths].map(([target, own]) => [target, withOwnHelp(target, own)]));
  const known = <T extends Target>(target: T): T => (below.get(target) as T | undefined) ?? target;
  return {
    ...map,
    getRoutingTargetForInput(input) {
      const target = map.getRoutingTargetForInput(input);
      return target === undefined ? undefined : known(target);
    },
    getDefaultCommand() {
      const command = map.getDefaultCommand();
      if (command === undefined) return undefined;
      // Whoever leaves the name out is answered without it.
      return { ...command, formatHelp: () => renderCommandHelp(describeRoutes(command, paths.get(command) ?? path), path) };
    },
    getAllEntries: () => map.getAllEntries().map((entry) => ({ ...entry, target: known(entry.target) })),
  };
}

function withOwnHelp(target: Target, path: readonly string[]): Target {
  const formatHelp = (): string => renderCommandHelp(describeRoutes(target, path));
  return "getAllEntries" in target ? { ...withHelpBelow(target, path), formatHelp } : { ...target, formatHelp };
}
