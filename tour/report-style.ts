/** The report's look, in light and in dark. */
export const reportStyle = `
:root { color-scheme: light dark; --text: #1c2430; --soft: #5d6878; --page: #ffffff; --panel: #f5f7fa; --line: #dde3ea;
  --p50: #2563a8; --p99: #8f5fbf; --answered: #4f9d77; --refused: #e0a030; --failed: #d64545; --pass: #1f7a4d; --open: #8a6510; --fail: #c22f2f; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ee; --soft: #98a3b3; --page: #14181f; --panel: #1c222b; --line: #303946;
  --p50: #6aa9ea; --p99: #bd93e8; --answered: #4f9d77; --refused: #d9a441; --failed: #e46464; --pass: #5cc492; --open: #d9b45c; --fail: #f08080; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.5rem; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, 'DejaVu Sans', sans-serif; }
h1 { font-size: 1.8rem; margin: 0; }
h2 { font-size: 1.2rem; margin: 0 0 .3rem; }
.lead, .why { color: var(--soft); margin: .4rem 0 1rem; max-width: 54rem; }
code { font: .88em ui-monospace, 'DejaVu Sans Mono', monospace; background: var(--panel); padding: .1em .3em; border-radius: 3px; }
small { color: var(--soft); font-size: .88em; }
.verdict { font-size: 1.15rem; font-weight: 600; padding: .6rem 1rem; border-left: 4px solid; background: var(--panel); }
.verdict small { font-weight: normal; margin-left: .4rem; }
.pass { color: var(--pass); } .open { color: var(--open); } .fail { color: var(--fail); }
table { border-collapse: collapse; width: 100%; margin: 1.5rem 0; font-size: .92em; }
th, td { text-align: left; vertical-align: top; padding: .5rem .6rem; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: normal; white-space: nowrap; } tbody th { white-space: nowrap; }
td a { display: block; white-space: nowrap; }
.tier { display: inline-block; width: 1.6em; text-align: center; border-radius: 4px; color: #fff; font-weight: 600; }
.tier-1 { background: #6b7686; } .tier-2 { background: #2f6f9f; } .tier-4 { background: #7a4fa8; }
section { margin: 1.5rem 0 2rem; padding-top: 1.2rem; border-top: 1px solid var(--line); }
.claims { list-style: none; margin: 0 0 1rem; padding: 0; }
.claims li { padding: .15rem 0 .15rem 1.6rem; position: relative; }
.claims li::before { position: absolute; left: .2rem; font-weight: 700; content: '✓'; }
.claims li.open::before { content: '~'; }
.claims li.fail::before { content: '✗'; }
.claims span { color: var(--text); } .claims .fail span { font-weight: 600; color: var(--fail); }
.claims small { display: block; white-space: pre-wrap; font-variant-numeric: tabular-nums; }
figure { margin: 0; padding: .8rem; background: var(--panel); border-radius: 6px; }
figcaption { color: var(--soft); font-size: .85em; margin-top: .3rem; }
figcaption code { background: var(--page); }
svg { display: block; width: 100%; height: auto; font: 11px system-ui, 'DejaVu Sans', sans-serif; }
svg .rule { stroke: var(--line); } svg .tick { fill: var(--soft); }
svg .p50, svg .p99 { fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
svg .p50 { stroke: var(--p50); } svg .p99 { stroke: var(--p99); }
svg .answered { fill: var(--answered); } svg .refused { fill: var(--refused); } svg .failed { fill: var(--failed); }
svg .mark path { stroke: var(--text); stroke-dasharray: 3 3; opacity: .55; } svg .mark text { fill: var(--text); font-weight: 600;
  paint-order: stroke; stroke: var(--panel); stroke-width: 4px; }
.legend { color: var(--soft); font-size: .88em; display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; }
.legend i { display: inline-block; width: .9em; height: .9em; margin-right: .4em; vertical-align: -.1em; border-radius: 2px; }
i.p50 { background: var(--p50); } i.p99 { background: var(--p99); } i.answered { background: var(--answered); }
i.refused { background: var(--refused); } i.failed { background: var(--failed); }
footer { border-top: 1px solid var(--line); color: var(--soft); font-size: .88em; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: .6rem 1.5rem; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) { table { display: block; overflow-x: auto; } }
`
