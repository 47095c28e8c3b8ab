/** Flags of every command that tells a person who looks elsewhere; read by notify/open-notices.ts. */
export const notifyFlags = {
  notify: {
    kind: "parsed",
    parse: String,
    brief: "Tell when a person is needed, a run ends or a budget is near: bell, desktop, command (empty: bell and desktop)",
    placeholder: "WAY,WAY",
    optional: true,
    variadic: ",",
    inferEmpty: true,
  },
  notifyCommand: {
    kind: "parsed",
    parse: String,
    brief: "Program that tells, split at spaces; it is given a title, a text, and JSON on its standard input",
    placeholder: "CMD",
    optional: true,
  },
} as const;
