import type { Environment } from '../bench/environment.ts'
import type { Played } from './act.ts'
import { plot, plotLegend, plotText } from './plot.ts'
import { reportStyle } from './report-style.ts'
import { readTiers } from './tiers.ts'
import { evidenceOf, leniency, summaryOf, verdictOf } from './verdict.ts'
import { escaped, milliseconds } from './words.ts'

export interface Report {
  readonly played: readonly Played[]
  readonly conditions: Environment
  readonly seed: number
  readonly tookMs: number
  readonly at: Date
}

const CLASSES = { holds: 'pass', 'not judged': 'open', fails: 'fail' } as const

/** One page that needs nothing else: no script, no font, no picture from elsewhere. */
export function reportPage(report: Report): string {
  const { played } = report
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>multi-aws: the tour</title>
<style>${reportStyle}</style>
</head>
<body>
<header>
<h1>multi-aws: the tour</h1>
<p class="lead">One service, one image, three tiers. What changes is the environment, never the code. This page was written by <code>npm run tour</code>, which played each act on real processes.</p>
${verdict(report)}
</header>
<main>
${tierTable(played)}
<p class="legend">${plotLegend.map(([kind, what]) => `<span><i class="${kind}"></i>${escaped(what)}</span>`).join('')}</p>
${played.map((one) => section(one, report.seed)).join('\n')}
</main>
${footer(report)}
</body>
</html>
`
}

function verdict({ played, tookMs }: Report): string {
  return `<p class="verdict ${CLASSES[verdictOf(played)]}">${summaryOf(played)} <small>in ${milliseconds(tookMs)}</small></p>`
}

function tierTable(played: readonly Played[]): string {
  const rows = readTiers().map(({ tier, name, adds, gains, lacks }) => {
    const acts = played.filter(({ act }) => act.tier === tier)
    const links = acts.map(
      (one) => `<a class="${CLASSES[verdictOf([one])]}" href="#${one.act.name}">${escaped(one.act.name)}</a>`,
    )
    const cells = [adds, gains, lacks].map((text) => `<td>${codes(text)}</td>`).join('')
    return `<tr><th scope="row"><b class="tier tier-${tier}">${tier}</b> ${name}</th>${cells}<td>${links.join(' ')}</td></tr>`
  })
  return `<table>
<thead><tr><th>tier</th><th>the environment adds</th><th>the service gains</th><th>it still lacks</th><th>acts</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>`
}

/** \`NAME\` becomes code. */
function codes(text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}

function section(one: Played, seed: number): string {
  const { act, claims, recording, patience, tookMs } = one
  const items = claims.map(
    (claim) =>
      `<li class="${CLASSES[claim.verdict]}"><span>${escaped(claim.says)}</span><small>${escaped(evidenceOf(claim))}</small></li>`,
  )
  const spared = leniency(patience)
  const again = `npm run tour -- --act ${act.name} --seed ${seed}`
  return `<section id="${act.name}">
<h2><b class="tier tier-${act.tier}">${act.tier}</b> ${escaped(act.title)}</h2>
<p class="why">${escaped(act.why)}</p>
<ul class="claims">
${items.join('\n')}
</ul>
<figure>
${plot(recording, act.title)}
<figcaption>${escaped(plotText(recording))}; played in ${milliseconds(tookMs)}${spared === undefined ? '' : `; ${spared}`}<br><code>${escaped(again)}</code></figcaption>
</figure>
</section>`
}

function footer({ conditions, seed, at }: Report): string {
  const { commit, node, kernel, cpu, cores, loadBefore } = conditions
  const facts = [
    ['commit', commit],
    ['seed', String(seed)],
    ['at', at.toISOString()],
    ['machine', `${cores} cores, ${cpu}; load ${loadBefore.toFixed(1)} before`],
    ['kernel', kernel],
    ['Node', node],
  ] as const
  const terms = facts.map(([name, fact]) => `<div><dt>${name}</dt><dd>${escaped(fact)}</dd></div>`)
  return `<footer><dl>${terms.join('')}</dl><p>Load, service, PostgreSQL, Redis, the emulator of SQS and HAProxy share this machine's processors: compare the acts with each other, not with another machine.</p></footer>`
}
