/** Between two lines where nobody sees one that is written over. */
const LINE_EVERY_MS = 3000
const BAR_WIDTH = 30

let lineAtMs = performance.now()
let isBarShown = false

/** Shows how much is done: on a terminal as a bar that is written over, elsewhere as a line every 3 s. */
export function showProgress(what: string, done: number, all: number): void {
  const part = all === 0 ? 1 : Math.min(1, done / all)
  const percent = `${(part * 100).toFixed(0).padStart(3)}%`
  if (process.stderr.isTTY) {
    const bar = '█'.repeat(Math.round(part * BAR_WIDTH)).padEnd(BAR_WIDTH, '░')
    process.stderr.write(`\r${what.padEnd(9)} ${bar} ${percent}`)
    isBarShown = true
  } else if (performance.now() - lineAtMs > LINE_EVERY_MS) {
    sayLine(`${what.padEnd(9)} ${percent}`)
    lineAtMs = performance.now()
  }
}

/** Says a line, below a bar that is shown. */
export function sayLine(line: string): void {
  process.stderr.write(`${isBarShown ? '\n' : ''}${line}\n`)
  isBarShown = false
}
