import { expect, test } from "vitest";
import { pickModes } from "./pick-modes.ts";

type Modes = Parameters<typeof pickModes>[2];
type Options = NonNullable<Parameters<typeof pickModes>[3]>;

function modesOf(...ids: readonly (readonly [id: string, name?: string])[]): Modes {
  return { currentModeId: ids[0]?.[0] ?? "", availableModes: ids.map(([id, name]) => ({ id, name: name ?? id })) };
}

function optionOf(category: string | null, ...values: readonly (readonly [value: string, name?: string])[]): Options[number] {
  return {
    id: "how",
    name: "How",
    category,
    type: "select",
    currentValue: "",
    options: values.map(([value, name]) => ({ value, name: name ?? value })),
  } as Options[number];
}

test.each([
  ["read-only", ["plan", "default"], modesOf(["default"], ["plan"], ["ask"]), "plan"],
  ["read-only", ["plan", "default"], modesOf(["default"], ["yolo"]), "default"],
  ["read-only", [], modesOf(["default"], ["read-only"]), "read-only"],
  ["read-only", [], modesOf(["m1", "Code"], ["m2", "Read Only"]), "m2"],
  ["read-only", [], modesOf(["code"], ["architect"]), "architect"],
  [
    "read-only",
    [],
    modesOf(["https://example.invalid/modes#agent"], ["https://example.invalid/modes#plan"]),
    "https://example.invalid/modes#plan",
  ],
  ["read-only", [], modesOf(["code"], ["yolo"]), null],
  ["edit", ["acceptEdits", "default"], modesOf(["default"], ["acceptEdits"], ["bypassPermissions"]), "acceptEdits"],
  ["edit", [], modesOf(["plan"], ["auto_edit"], ["yolo"]), "auto_edit"],
  ["edit", [], modesOf(["plan"], ["bypassPermissions", "Bypass"]), null],
  ["edit", [], null, null],
] as const)("a %s lane with the known modes %j", (wanted, known, modes, modeId) => {
  expect(pickModes(wanted, known, modes, null)).toEqual({ modeId, option: null });
});

test("an option of the category comes before one that is only named so, and both ways are picked where both are offered", () => {
  const named = { ...optionOf(null, ["plan"]), id: "mode" };
  const byCategory = optionOf("mode", ["m1", "Code"], ["m2", "Plan mode"]);
  expect(pickModes("read-only", [], modesOf(["plan"]), [named, byCategory])).toEqual({
    modeId: "plan",
    option: { configId: "how", value: "m2" },
  });
  expect(pickModes("read-only", [], null, [named])).toEqual({ modeId: null, option: { configId: "mode", value: "plan" } });
  expect(pickModes("edit", [], null, [byCategory])).toEqual({ modeId: null, option: { configId: "how", value: "m1" } });
});

test("choices in groups are choices", () => {
  const grouped = {
    ...optionOf("mode"),
    options: [{ group: "g", name: "G", options: [{ value: "plan", name: "Plan" }] }],
  } as Options[number];
  expect(pickModes("read-only", [], null, [grouped]).option).toEqual({ configId: "how", value: "plan" });
});
