import { writeFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { randomFrom } from '../app/test/support/random.ts'
import { environment } from '../bench/environment.ts'
import { debianTool } from '../local/debian.ts'
import { type Act, type Length, type Played, type Scene, SHORT, WHOLE } from './act.ts'
import { createCrowding, patienceFor } from './crowding.ts'
import { parseOptions, usage } from './options.ts'
import { takePicture } from './picture.ts'
import { startRecording } from './recording.ts'
import { reportPage } from './report.ts'
import { createStage, type Stage } from './stage.ts'
import { createTerminal, type Terminal } from './terminal.ts'
import { type Claim, verdictOf, within, worstOf } from './verdict.ts'

/** `EX_USAGE` of sysexits.h. */
const EXIT_USAGE = 64

/** Plays what the command line asks for, and writes the report. Resolves to the exit code: 1 if a claim fails. */
export async function tour(acts: readonly Act[], args: readonly string[], out: Writable): Promise<number> {
  const options = optionsOf(args, acts)
  if (options === undefined) return EXIT_USAGE
  if (options.help) {
    out.write(usage(acts))
    return 0
  }
  try {
    for (const tool of new Set(options.acts.flatMap(({ needs = [] }) => needs))) await debianTool(tool)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    return 1
  }
  const terminal = createTerminal(out)
  const conditions = environment()
  const startedMs = performance.now()
  terminal.begins(conditions, options.seed)
  const played: Played[] = []
  await using stage = createStage()
  for (const act of options.acts) {
    terminal.actBegins(act, acts.indexOf(act) + 1)
    const random = randomFrom(options.seed + acts.indexOf(act))
    played.push(await play(act, { stage, random, length: options.short ? SHORT : WHOLE }, terminal))
  }
  const tookMs = performance.now() - startedMs
  await writeFile(
    options.report,
    reportPage({ played, conditions, seed: options.seed, tookMs, at: new Date() }),
  )
  terminal.ends(played, tookMs, relative(process.cwd(), options.report))
  if (options.picture !== undefined) await takePicture(options.report, resolve(options.picture))
  return verdictOf(played) === 'fails' ? 1 : 0
}

function optionsOf(args: readonly string[], acts: readonly Act[]) {
  try {
    return parseOptions(args, acts)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage(acts)}`)
    return undefined
  }
}

interface Given {
  readonly stage: Stage
  readonly random: Scene['random']
  readonly length: Length
}

/** An act that throws has a claim that fails: that it can be played to its end. So has one that claims nothing. */
async function play(act: Act, given: Given, terminal: Terminal): Promise<Played> {
  const crowding = createCrowding()
  const recording = startRecording()
  const claims: Claim[] = []
  const claim: Scene['claim'] = (says, measured, ...parts) => {
    const one = { says, measured, verdict: worstOf(parts) }
    claims.push(one)
    terminal.claim(one)
  }
  const now = (what: string) => terminal.now(recording.nowMs(), what)
  const mark = (what: string) => {
    recording.mark(what)
    terminal.mark(recording.nowMs(), what)
  }
  const patience = () => patienceFor(crowding.measure())
  patience()
  try {
    await act.play({
      ...{ ...given, recording, patience, now, mark, claim },
      within: (ms, msMax) => within(ms, msMax, patience()),
    })
    if (claims.length === 0) claim('it claims something', 'nothing', false)
  } catch (error) {
    claim('it can be played to its end', String((error as Error).stack ?? error), false)
  }
  const one = {
    act,
    claims,
    patience: patienceFor(crowding.most),
    recording,
    tookMs: recording.nowMs(),
  }
  terminal.actEnds(one)
  return one
}
