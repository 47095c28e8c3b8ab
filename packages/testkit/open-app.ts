/** The real parts, wired as the command line wires them, for a test of a use case. */
export { createApp as openApp } from "@okstra/cli/open-app";
