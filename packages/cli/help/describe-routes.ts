/** What the command line declares, as plain data: help, the reference in docs/ and completion are made from it. */

export interface FlagNote {
  /** As it is typed, without the dashes: `task-type`. */
  readonly name: string;
  /** One letter; null when it has none. */
  readonly alias: string | null;
  readonly brief: string;
  /** What its value is called; null for a switch, which has none. */
  readonly placeholder: string | null;
  /** The only values it takes; empty when it takes any. */
  readonly values: readonly string[];
  readonly required: boolean;
  /** It may be said again. */
  readonly repeats: boolean;
  /** Between several values in one word; null when there is only one. */
  readonly separator: string | null;
  /** It may stand without its value. */
  readonly mayBeEmpty: boolean;
  /** Null when there is none, or when it is that a switch is off. */
  readonly defaultValue: string | null;
}

export interface ArgumentNote {
  readonly placeholder: string;
  readonly brief: string;
  readonly required: boolean;
  readonly repeats: boolean;
}

export interface RouteNote {
  /** Words after `okstra`; empty for okstra itself. */
  readonly path: readonly string[];
  readonly brief: string;
  /** More than the brief; null when there is no more. */
  readonly description: string | null;
  readonly flags: readonly FlagNote[];
  readonly arguments: readonly ArgumentNote[];
  /** Commands below; empty for a command. Hidden ones are not told of. */
  readonly routes: readonly RouteNote[];
  /** The command below that is meant when none is named. */
  readonly defaultRoute: string | null;
}

/** The part of stricli's routes that is read here: its own types cannot be named. */
interface Target {
  readonly brief: string;
  readonly fullDescription?: string | undefined;
  readonly parameters?: Parameters;
  getAllEntries?(): readonly { name: Record<"original" | "convert-camel-to-kebab", string>; target: unknown; hidden: boolean }[];
  getDefaultCommand?(): unknown;
}
interface Parameters {
  readonly flags?: Readonly<Record<string, Flag>>;
  readonly aliases?: Readonly<Record<string, string>>;
  readonly positional?:
    | { readonly kind: "array"; readonly parameter: Parameter; readonly minimum?: number }
    | { readonly kind: "tuple"; readonly parameters: readonly Parameter[] };
}
interface Flag {
  readonly kind: string;
  readonly brief: string;
  readonly placeholder?: string;
  readonly values?: readonly string[];
  readonly optional?: boolean;
  readonly hidden?: boolean;
  readonly default?: unknown;
  readonly variadic?: boolean | string;
  readonly inferEmpty?: boolean;
}
interface Parameter {
  readonly brief: string;
  readonly placeholder?: string;
  readonly optional?: boolean;
  readonly default?: unknown;
}

/** @param route a route map or command of stricli */
export function describeRoutes(route: unknown, path: readonly string[] = []): RouteNote {
  const target = route as Target;
  const entries = (target.getAllEntries?.() ?? []).filter(({ hidden }) => !hidden);
  const fallback = target.getDefaultCommand?.();
  return {
    path,
    brief: target.brief,
    description: target.fullDescription ?? null,
    flags: describeFlags(target.parameters ?? {}),
    arguments: describeArguments(target.parameters?.positional),
    routes: entries.map(({ name, target: below }) => describeRoutes(below, [...path, name["convert-camel-to-kebab"]])),
    defaultRoute:
      fallback === undefined ? null : (entries.find((entry) => entry.target === fallback)?.name["convert-camel-to-kebab"] ?? null),
  };
}

/** The commands themselves, in the order in which they are declared. */
export function listCommands(route: RouteNote): readonly RouteNote[] {
  return route.routes.length === 0 ? [route] : route.routes.flatMap(listCommands);
}

function describeFlags({ flags = {}, aliases = {} }: Parameters): readonly FlagNote[] {
  return Object.entries(flags)
    .filter(([, flag]) => flag.hidden !== true)
    .map(([name, flag]) => ({
      name: inKebabCase(name),
      alias: Object.entries(aliases).find(([, of]) => of === name)?.[0] ?? null,
      brief: flag.brief,
      placeholder: flag.kind === "boolean" ? null : (flag.placeholder ?? flag.values?.join("|") ?? "value"),
      values: flag.values ?? [],
      required: !(flag.optional ?? flag.default !== undefined),
      repeats: flag.variadic !== undefined && flag.variadic !== false,
      separator: typeof flag.variadic === "string" ? flag.variadic : null,
      mayBeEmpty: flag.inferEmpty === true,
      defaultValue: flag.default === undefined || flag.default === false ? null : String(flag.default),
    }));
}

function describeArguments(positional: Parameters["positional"]): readonly ArgumentNote[] {
  if (positional === undefined) return [];
  const array = positional.kind === "array";
  return (array ? [positional.parameter] : positional.parameters).map(({ brief, placeholder, optional, default: value }) => ({
    placeholder: placeholder ?? "argument",
    brief,
    required: array ? (positional.minimum ?? 0) > 0 : optional !== true && value === undefined,
    repeats: array,
  }));
}

function inKebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
