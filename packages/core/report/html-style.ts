import { markup, type SafeHtml } from "./html-template.ts";

/** The page's only style sheet. Text on every ground keeps a contrast of at least 4.5 : 1 in both schemes. */
export const STYLE: SafeHtml = markup`<style>
:root {
  color-scheme: light dark;
  --ground: #f4f5f7; --card: #ffffff; --ink: #191d24; --soft: #535c6b; --line: #d9dde4; --well: #f1f3f6;
  --good: #12693c; --good-ground: #e2f4e9; --warn: #7d4e00; --warn-ground: #fdf0d2; --bad: #b0202c; --bad-ground: #fde8e8;
  --info: #1d56a8; --info-ground: #e5effc; --quiet: #535c6b; --quiet-ground: #eceef2; --link: #1a56b8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101318; --card: #191d24; --ink: #e8eaee; --soft: #a5adba; --line: #303640; --well: #11151b;
    --good: #6fd69a; --good-ground: #15321f; --warn: #f2c069; --warn-ground: #3a2b0c; --bad: #ff9a9a; --bad-ground: #431c20;
    --info: #93bdfb; --info-ground: #182d4c; --quiet: #b2b9c5; --quiet-ground: #272c35; --link: #8db8ff;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink); line-height: 1.55; font-size: 1rem;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Apple SD Gothic Neo", "Noto Sans KR", "Noto Sans CJK KR", "Malgun Gothic", sans-serif;
  overflow-wrap: anywhere;
}
:lang(ko) { word-break: keep-all; }
main, header, footer { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 1.75rem; display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; }
h1 { font-size: 1.2rem; font-weight: 650; margin: 0; letter-spacing: -.01em; }
header p { margin: 0; color: var(--soft); font-size: .875rem; }
h2 { font-size: 1.25rem; letter-spacing: -.01em; margin: 2.5rem 0 .9rem; padding-bottom: .4rem; border-bottom: 1px solid var(--line); }
h3 { font-size: .95rem; font-weight: 650; margin: 1.6rem 0 .6rem; color: var(--soft); }
p { margin: .5rem 0; }
a { color: var(--link); text-underline-offset: .15em; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono", "Noto Sans Mono CJK KR", monospace; font-size: .86em; }
code { background: var(--well); border: 1px solid var(--line); border-radius: .3rem; padding: .05em .35em; }
pre { background: var(--well); border: 1px solid var(--line); border-radius: .5rem; padding: .65rem .85rem; margin: .4rem 0; white-space: pre-wrap; }
ul, ol { padding-left: 1.4rem; margin: .5rem 0; }
li { margin: .3rem 0; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .3rem 1.1rem; margin: .6rem 0; }
dt { color: var(--soft); font-size: .875rem; }
dd { margin: 0; }
.good { --tone: var(--good); --tone-ground: var(--good-ground); }
.warn { --tone: var(--warn); --tone-ground: var(--warn-ground); }
.bad { --tone: var(--bad); --tone-ground: var(--bad-ground); }
.info { --tone: var(--info); --tone-ground: var(--info-ground); }
.quiet { --tone: var(--quiet); --tone-ground: var(--quiet-ground); }
section:first-child h2 { margin-top: 1.4rem; }
.badge { display: inline-block; background: var(--tone-ground); color: var(--tone); border-radius: 1rem; padding: .1em .65em; font-size: .8rem; font-weight: 600; line-height: 1.5; }
.badges { display: flex; flex-wrap: wrap; gap: .35rem; align-items: center; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .8rem; padding: 1rem 1.15rem; margin: .7rem 0; }
.verdict { padding: 0; overflow: hidden; border-color: var(--tone); }
.verdict > div { padding: .9rem 1.4rem 1.1rem; }
.verdict > .head { background: var(--tone-ground); color: var(--tone); padding: 1.25rem 1.4rem 1.15rem; display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1.1rem; }
.verdict .word { font-size: clamp(1.7rem, 6vw, 2.6rem); font-weight: 780; letter-spacing: -.015em; line-height: 1.1; margin: 0; }
.verdict .head .badge { background: var(--card); font-size: .875rem; padding: .25em .8em; }
.verdict .override { border: 1px solid var(--warn); border-radius: .5rem; padding: .3rem .9rem; background: var(--warn-ground); }
.verdict .override dt { color: var(--warn); }
.reasons { list-style: none; padding: 0; margin: .2rem 0 .8rem; font-weight: 550; }
.reasons li { display: flex; flex-wrap: wrap; gap: .1rem .6rem; align-items: baseline; }
.reasons small { color: var(--soft); font-weight: 400; }
.facts-wide { grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); border-top: 1px solid var(--line); padding-top: .8rem; margin: .9rem 0 0; gap: .7rem 1.2rem; }
.facts-wide dd { margin-top: .1rem; }
.label { color: var(--soft); font-size: .875rem; margin: .6rem 0 .1rem; }
.steps { list-style: none; padding: 0; counter-reset: step; }
.steps li { counter-increment: step; position: relative; padding-left: 2.4rem; margin: .8rem 0; }
.steps li::before { content: counter(step); position: absolute; left: 0; top: 0; width: 1.6rem; height: 1.6rem; border-radius: 50%; background: var(--ink); color: var(--ground); font-size: .85rem; font-weight: 700; display: grid; place-items: center; }
.tally { display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; list-style: none; margin: 0 0 .4rem; }
.tally li { margin: 0; background: var(--tone-ground); color: var(--tone); border-radius: .6rem; padding: .3rem .8rem; font-size: .85rem; font-weight: 600; }
.tally .none { background: none; color: var(--soft); box-shadow: inset 0 0 0 1px var(--line); font-weight: 400; }
.finding { border-left: .3rem solid var(--tone); }
.finding h4 { font-size: 1.02rem; font-weight: 620; margin: .5rem 0 .55rem; line-height: 1.4; }
.finding .id { font-weight: 700; font-size: .85rem; color: var(--soft); font-variant-numeric: tabular-nums; }
.finding dl { margin: .3rem 0; }
.empty { color: var(--soft); font-style: italic; }
:lang(ko) .empty { font-style: normal; }
.notice { background: var(--tone-ground); color: var(--tone); border-radius: .5rem; padding: .5rem .9rem; font-weight: 550; }
table { width: 100%; border-collapse: separate; background: var(--card); border: 1px solid var(--line); border-radius: .8rem; border-spacing: 0; font-size: .92rem; margin: .7rem 0; }
th, td { text-align: left; vertical-align: top; padding: .5rem .7rem; border-top: 1px solid var(--line); }
td:first-child { min-width: 8rem; }
td { min-width: 6.2rem; }
td .badge { overflow-wrap: break-word; }
th { color: var(--soft); font-weight: 550; font-size: .82rem; border-top: 0; white-space: nowrap; }
footer { color: var(--soft); font-size: .82rem; padding-top: 2rem; padding-bottom: 2.5rem; }
@media (max-width: 54rem) {
  main, header, footer { padding-left: .9rem; padding-right: .9rem; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, td { display: block; width: auto; }
  table { background: none; border: 0; }
  tr { background: var(--card); border: 1px solid var(--line); border-radius: .8rem; padding: .45rem .9rem; margin: .6rem 0; }
  td { border: 0; padding: .25rem 0; display: grid; grid-template-columns: 6.2rem minmax(0, 1fr); gap: .7rem; }
  td:first-child { min-width: 0; }
  td::before { content: attr(data-label); color: var(--soft); font-size: .82rem; }
  td.blank { display: none; }
  .facts-wide { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .finding dl, .override { grid-template-columns: minmax(0, 1fr); gap: 0 0; }
  .finding dd { margin-bottom: .35rem; }
}
@media print {
  :root { --ground: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --well: #f6f6f6; }
  body { font-size: 10.5pt; }
  h2, h3, h4 { break-after: avoid; }
  .card, tr, li { break-inside: avoid; }
  .badge, .tally li, .verdict > .head, .notice { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
</style>`;
