import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFailure } from "./agent-failure.ts";

const NOW = "2026-03-10T12:00:00.000Z";
const after = (ms: number): string => new Date(Date.parse(NOW) + ms).toISOString();
const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];

describe("case 42: a quota or rate limit, and when it is filled again", () => {
  test.each<[string, string | null]>([
    ["Claude AI usage limit reached|1773151200", "2026-03-10T14:00:00.000Z"],
    ["Claude AI usage limit reached|1773151200000", "2026-03-10T14:00:00.000Z"],
    ["You've hit your limit · resets 3pm (UTC)", "2026-03-10T15:00:00.000Z"],
    ["You've hit your limit · resets 11am (UTC)", "2026-03-11T11:00:00.000Z"],
    ["5-hour limit reached ∙ resets 3:30pm (Europe/Berlin)", "2026-03-10T14:30:00.000Z"],
    ["Weekly limit reached ∙ resets Mar 12 at 10am (America/New_York)", "2026-03-12T14:00:00.000Z"],
    ["Weekly limit reached ∙ resets Mar 12, 10am (Asia/Seoul)", "2026-03-12T01:00:00.000Z"],
    ["Weekly limit reached ∙ resets Jan 2, 12am (UTC)", "2027-01-02T00:00:00.000Z"],
    ["Opus limit reached, resets 0:15 (UTC)", "2026-03-11T00:15:00.000Z"],
    ["You're out of extra usage · resets 12pm (UTC)", "2026-03-11T12:00:00.000Z"],
    ["You've hit your usage limit. Upgrade to Pro or try again at 3:05 PM.", "2026-03-10T15:05:00.000Z"],
    ["You've hit your usage limit. Try again at Mar 14th, 2026 3:05 PM.", "2026-03-14T15:05:00.000Z"],
    ["You've hit your usage limit. Try again in 4 days 6 hours 2 minutes.", after(4 * DAY + 6 * HOUR + 2 * MINUTE)],
    ["You've reached your usage limit, resets at 3pm PST", null],
    ["You've reached your usage limit, resets at 25:00 (UTC)", null],
    ["You've reached your usage limit, resets at 3pm (Mars/Olympus)", null],
    ["You've reached your usage limit. Try again at 3.", null],
    ["Rate limit reached for gpt-5.1 in organization org-1 on tokens per min (TPM): Limit 30000. Please try again in 1.898s.", after(1898)],
    ["Rate limit reached for o3: please try again in 34ms", after(34)],
    ["rate limit exceeded, try again in 20s", after(20 * SECOND)],
    ["Rate limit exceeded. Try again in 1h2m", after(HOUR + 2 * MINUTE)],
    ["rate_limit_error: try again in 6m0s", after(6 * MINUTE)],
    ["Too many requests, please wait 30 seconds before trying again", after(30 * SECOND)],
    ["exceeded retry limit, last status: 429 Too Many Requests", null],
    ["HTTP/1.1 429 Too Many Requests\nRetry-After: 120", after(2 * MINUTE)],
    ["HTTP 429: retry-after: Tue, 10 Mar 2026 12:30:00 GMT", after(30 * MINUTE)],
    ["status 429, retry-after-ms: 1500", after(1500)],
    ['{"error":{"type":"usage_limit_reached","plan_type":"plus","resets_in_seconds":3600}}', after(HOUR)],
    ['{"error":{"type":"usage_limit_reached","resets_at":1773151200}}', "2026-03-10T14:00:00.000Z"],
    ['{"type":"rate_limit_error","reset_at":"2026-03-10T13:15:00+01:00"}', "2026-03-10T12:15:00.000Z"],
    ["rate_limit_exceeded; x-ratelimit-reset: 1773151200", "2026-03-10T14:00:00.000Z"],
    ["rate_limit_error; anthropic-ratelimit-requests-reset: 2026-03-10T12:01:00Z", after(MINUTE)],
    ["2026-03-10T11:59:59Z ERROR rate limit exceeded, try again in 20s", after(20 * SECOND)],
    ['API Error: 429 {"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your rate limit"}}', null],
    ["This request would exceed your organization's rate limit of 40,000 input tokens per minute.", null],
    ["Error code: 429 - You exceeded your current quota, please check your plan and billing details.", null],
    ["insufficient_quota", null],
    ["Your credit balance is too low to access the Anthropic API.", null],
    ["402: Insufficient Balance", null],
    ['{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"34.074824224s"}]}}', after(34_075)],
    [
      "You have exhausted your capacity on this model. Your quota will reset after 18h31m10s.",
      after(18 * HOUR + 31 * MINUTE + 10 * SECOND),
    ],
    ["TerminalQuotaError: You have exhausted your daily quota on this model.", null],
    ['{"code":429,"reason":"QUOTA_EXHAUSTED","quotaResetTimeStamp":"2026-03-11T07:00:00Z"}', "2026-03-11T07:00:00.000Z"],
    ["ThrottlingException: Too many tokens, please wait before trying again.", null],
    ["statusCode: 429", null],
    ["error: 429", null],
    ["usage limit reached, resets at 1999-01-01T00:00:00Z", null],
    ["usage limit reached, resets in 100000000 days", null],
  ])("%s", (text, resetsAt) => {
    expect(readFailure(text, NOW, "UTC")).toEqual({ kind: "quota", resetsAt });
  });
});

test("a time of day without a zone is the machine's", () => {
  expect(readFailure("usage limit reached, try again at 3:05 PM", NOW, "Asia/Seoul").resetsAt).toBe("2026-03-11T06:05:00.000Z");
  expect(readFailure("usage limit reached, try again at 3:05 PM", NOW, "America/New_York").resetsAt).toBe("2026-03-10T19:05:00.000Z");
});

test("a time of day on the day on which a clock changes", () => {
  const before = "2026-03-29T00:00:00.000Z";
  expect(readFailure("session limit reached, resets 4am (Europe/Berlin)", before, "UTC").resetsAt).toBe("2026-03-29T02:00:00.000Z");
});

test.each([
  'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
  "API Error: Repeated 529 Overloaded errors",
  "The model is overloaded. Please try again later.",
  '{"error":{"code":503,"status":"UNAVAILABLE"}}',
  "unexpected status 503 Service Unavailable",
  "HTTP/2 502",
  "500 Internal Server Error",
  "status code: 504",
  "api_error: Internal server error",
  "read ECONNRESET",
  "connect ETIMEDOUT 192.0.2.1:443",
  "getaddrinfo EAI_AGAIN api.example.com",
  "write EPIPE",
  "TypeError: fetch failed",
  "Error: socket hang up",
  "API Error: Connection error.",
  "API Error: Request timed out.",
  "The socket connection was closed unexpectedly",
  "stream disconnected before completion: stream closed before response.completed",
  "stream error: error sending request for url (http://127.0.0.1:1/v1/responses)",
  "stream disconnected before completion: idle timeout waiting for SSE",
  "We're currently experiencing high demand, which may cause temporary errors.",
  "UND_ERR_SOCKET: other side closed",
])("passes when it is asked again: %s", (text) => {
  expect(readFailure(text, NOW)).toEqual({ kind: "transient", resetsAt: null });
});

test.each([
  "",
  "src/errors/429.ts: cannot be read",
  "src/error429.ts(12,1): error TS2304",
  "docs/http/429.md",
  "src/rate-limit.ts:12: the bound is exceeded by one",
  "rate-limit.test.ts failed: the limit was reached",
  "429 files changed",
  "error: 429 files could not be formatted",
  "line 503: unexpected token",
  "exit code 1",
  "503 tests passed, 1 failed",
  "error: 500 tests failed",
  "prompt is too long: 210000 tokens > 200000 maximum",
  "max token limit exceeded: the answer has over 32000 output tokens",
  "the overloaded operator is ambiguous",
  "the command is unavailable in this mode",
  "401 Unauthorized: invalid x-api-key",
  "403 permission_error",
  "model_not_found",
  "Session not found",
  "error_max_turns: no reason given",
  "the agent exited with status 1",
])("is something else: %s", (text) => {
  expect(readFailure(text, NOW)).toEqual({ kind: "other", resetsAt: null });
});

test("any text has an answer, and a reset that can be written", () => {
  const words = fc.constantFrom(
    "usage limit reached",
    "resets",
    "at",
    "in",
    "|",
    ":",
    "retry-after",
    "Mar 12,",
    "pm",
    "(UTC)",
    "s",
    "h",
    "T",
    "-",
    "Z",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.oneof(words, fc.nat().map(String))).map((parts) => parts.join(" ")),
  );
  fc.assert(
    fc.property(text, fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("2200-01-01") }), (each, now) => {
      const { kind, resetsAt } = readFailure(each, now.toISOString(), "UTC");
      expect(["quota", "transient", "other"]).toContain(kind);
      if (resetsAt !== null) expect(new Date(resetsAt).toISOString()).toBe(resetsAt);
    }),
  );
});

test("an endless text is read in bounded time, at both ends", () => {
  for (const part of ["rate limit ", "in 1", "resets ", "error ", "1 h ", "quota connection ", "hit "]) {
    const flood = part.repeat(1_000_000 / part.length);
    expect(readFailure(`rate_limit_error: retry-after: 5\n${flood}`, NOW).resetsAt).toBe(after(5 * SECOND));
    expect(readFailure(`${flood}\nrate_limit_error; retry-after: 5`, NOW).kind).toBe("quota");
  }
});
