import { lazyView } from "./lazy.tsx";

// Each is loaded when it is first shown.
export const FindingsView = lazyView(async () => (await import("../views/findings.tsx")).FindingsView);
export const CodeView = lazyView(async () => (await import("../views/code.tsx")).CodeView);
export const DiffView = lazyView(async () => (await import("../views/diff.tsx")).DiffView);
export const ReportView = lazyView(async () => (await import("../views/report.tsx")).ReportView);
export const TranscriptView = lazyView(async () => (await import("../views/transcript.tsx")).TranscriptView);
export const ScheduleView = lazyView(async () => (await import("../views/schedule.tsx")).ScheduleView);
export const TimeView = lazyView(async () => (await import("../views/time.tsx")).TimeView);
export const CostView = lazyView(async () => (await import("../views/cost.tsx")).CostView);
